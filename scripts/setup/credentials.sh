# shellcheck shell=sh
# Which credentials this configuration needs, whether they are set, and asking for them at a terminal.

check_credentials() {
  check_credential check_digitalocean digitalocean-token \
    "make one with the custom scopes in docs/credentials.md at cloud.digitalocean.com/account/api/tokens and put it into .env" \
    DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN
  if [ "$github_section" = no ]; then
    finding ok github-token 'GITHUB_TOKEN is not needed: the configuration has no "github"'
  else
    setting GITHUB_TOKEN
    if [ -z "$value" ] && [ "$github_section" = unknown ]; then
      finding unchecked github-token "whether GITHUB_TOKEN is needed shows when the configuration can be read"
    else
      check_credential check_github github-token \
        'make one as docs/credentials.md says (fine-grained, or classic with the scopes repo and workflow) at github.com/settings/tokens and put it into .env (or leave "github" out of the configuration)' \
        GITHUB_TOKEN
    fi
  fi
}

# check_credential PROBE CHECK FIX NAME...: PROBE is called with the value.
check_credential() {
  credential_probe=$1
  credential_check=$2
  credential_fix=$3
  shift 3
  setting "$@"
  credential_name=${value_name:-$1}
  if [ -z "$value" ]; then
    finding missing "$credential_check" "$credential_name is not set" "$credential_fix"
  elif ! plain_token "$value"; then
    finding missing "$credential_check" "$credential_name has characters that no token has (spaces, quotes, line breaks, ...)" \
      "copy it anew, without anything around it"
  elif [ "$credential_probe" = set_only ]; then
    finding ok "$credential_check" "$credential_name is set"
  elif ! command -v curl >/dev/null 2>&1; then
    finding unchecked "$credential_check" "$credential_name is set but not checked: curl is missing"
  else
    "$credential_probe" "$value"
  fi
}

# At a terminal: asks for what is missing and keeps it in .env.
ask_for_credentials() {
  if [ "$ask" = no ] || [ ! -w .env ] || [ -h .env ]; then return 0; fi
  ask_for_credential DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN
  if [ "$github_section" = yes ]; then ask_for_credential GITHUB_TOKEN; fi
}

# ask_for_credential NAME [OTHER NAME]
ask_for_credential() {
  setting "$@"
  [ -z "$value" ] || return 0
  read_unseen "  $1 (not shown; Enter leaves it out): "
  if [ -z "$unseen" ]; then return 0; fi
  if ! plain_token "$unseen"; then
    printf '  That has characters that no token has; left out.\n'
  elif [ "${#unseen}" -lt 8 ]; then
    printf '  That is too short for a token; left out.\n'
  else
    set_dotenv "$1" "$unseen"
    changed "$1 is in .env now"
  fi
  unseen=
}

# read_unseen PROMPT: reads a line without showing it (`read -s` is not POSIX), sets unseen. The terminal is put right
# whatever happens. Unseen before it is asked: nothing typed at once is shown either.
read_unseen() {
  terminal_settings=$(stty -g)
  trap 'stty "$terminal_settings"' EXIT
  trap 'printf "\n  Stopped. What was done is kept; ./setup.sh goes on from there.\n"; exit 130' HUP INT TERM
  stty -echo
  printf '%s' "$1"
  IFS= read -r unseen || :
  stty "$terminal_settings"
  trap - EXIT HUP INT TERM
  printf '\n'
}
