# shellcheck shell=sh
# Reads .env as the commands do (src/workspace/dotenv.ts), without ever running it as a script.

SETTINGS='DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN DIGITALOCEAN_API_URL GITHUB_TOKEN GITHUB_BASE_URL
SPACES_ACCESS_KEY_ID SPACES_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY'

load_dotenv() {
  for setting_name in $SETTINGS; do eval "dotenv_$setting_name="; done
  { [ -f .env ] && [ -r .env ]; } || return 0
  dotenv_line_number=0
  dotenv_bad_lines=
  dotenv_open=
  while IFS= read -r dotenv_line || [ -n "$dotenv_line" ]; do
    dotenv_line_number=$((dotenv_line_number + 1))
    if [ -n "$dotenv_open" ]; then
      # Within a quoted value of several lines, which no token is.
      case $dotenv_line in *"$dotenv_open"*) dotenv_open= ;; esac
      continue
    fi
    parse_dotenv_line || dotenv_bad_lines="$dotenv_bad_lines $dotenv_line_number"
  done <.env
  if [ -n "$dotenv_bad_lines" ] && [ "$dotenv_bad_lines" != "${dotenv_told-}" ]; then
    dotenv_told=$dotenv_bad_lines
    # The lines themselves may hold secrets: only their numbers are told.
    finding missing dotenv-lines ".env has lines that can't be read:$dotenv_bad_lines" \
      "write them as NAME=value, with a closing quote for every opening one"
  fi
}

# Takes dotenv_line; false when it is neither an assignment nor empty nor a comment.
parse_dotenv_line() {
  carriage_return=$(printf '\r')
  trim "${dotenv_line%"$carriage_return"}"
  case $trimmed in
    '' | '#'*) return 0 ;;
    'export '*) trim "${trimmed#export }" ;;
  esac
  case $trimmed in
    *=*) ;;
    *) return 1 ;;
  esac
  dotenv_rest=${trimmed#*=}
  trim "${trimmed%%=*}"
  dotenv_name=$trimmed
  trim "$dotenv_rest"
  case $trimmed in
    \"* | \'* | \`*)
      dotenv_value=${trimmed#?}
      dotenv_quote=${trimmed%"$dotenv_value"}
      case $dotenv_value in
        *"$dotenv_quote"*) dotenv_value=${dotenv_value%%"$dotenv_quote"*} ;;
        *)
          quote_follows "$dotenv_quote" "$dotenv_line_number" || return 1
          dotenv_open=$dotenv_quote
          ;;
      esac
      ;;
    *)
      trim "${trimmed%%#*}"
      dotenv_value=$trimmed
      ;;
  esac
  for setting_name in $SETTINGS; do
    # Only names from the list above reach eval, and the value is never part of the evaluated text.
    if [ "$setting_name" = "$dotenv_name" ]; then eval "dotenv_$setting_name=\$dotenv_value"; fi
  done
}

# quote_follows QUOTE NUMBER: whether a line behind the one of that number has the quote.
quote_follows() {
  dotenv_behind=0
  while IFS= read -r dotenv_other || [ -n "$dotenv_other" ]; do
    dotenv_behind=$((dotenv_behind + 1))
    if [ "$dotenv_behind" -le "$2" ]; then continue; fi
    case $dotenv_other in *"$1"*) return 0 ;; esac
  done <.env
  return 1
}

# trim TEXT: sets trimmed.
trim() {
  trimmed=${1#"${1%%[! ]*}"}
  trimmed=${trimmed%"${trimmed##*[! ]}"}
}

# setting NAME...: sets value to that of the first name that has one, and value_name to that name; the environment wins
# over .env. Both are empty when there is none.
setting() {
  value=
  value_name=
  for setting_name in "$@"; do
    eval "value=\${$setting_name:-}"
    if [ -z "$value" ]; then eval "value=\${dotenv_$setting_name:-}"; fi
    if [ -n "$value" ]; then
      value_name=$setting_name
      return 0
    fi
  done
}

# set_dotenv NAME VALUE: replaces or adds a line. The value goes through a pipe: arguments of processes are public.
set_dotenv() {
  (
    umask 077
    awk -v name="$1" '
      NR == FNR { value = $0; next }
      index($0, name "=") == 1 { if (!done) print name "=" value; done = 1; next }
      { print }
      END { if (!done) print name "=" value }
    ' - .env >.env.new <<VALUE
$2
VALUE
  ) && mv -f .env.new .env
  eval "dotenv_$1=\$2"
}
