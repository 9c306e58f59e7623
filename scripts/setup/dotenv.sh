# shellcheck shell=sh
# Reads .env as Node's util.parseEnv does (the commands read it so), without ever running it as a script.

SETTINGS='DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN DIGITALOCEAN_API_URL GITHUB_TOKEN GITHUB_BASE_URL
SPACES_ACCESS_KEY_ID SPACES_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY'

load_dotenv() {
  for setting_name in $SETTINGS; do eval "dotenv_$setting_name="; done
  { [ -f .env ] && [ -r .env ]; } || return 0
  dotenv_line_number=0
  dotenv_bad_lines=
  while IFS= read -r dotenv_line || [ -n "$dotenv_line" ]; do
    dotenv_line_number=$((dotenv_line_number + 1))
    parse_dotenv_line || dotenv_bad_lines="$dotenv_bad_lines $dotenv_line_number"
  done <.env
  if [ -n "$dotenv_bad_lines" ]; then
    # The lines themselves may hold secrets: only their numbers are told.
    finding warning dotenv-lines ".env has lines that can't be read:$dotenv_bad_lines" \
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
        *) return 1 ;;
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
