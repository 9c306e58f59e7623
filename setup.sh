#!/bin/sh
# Gets a checkout ready to deploy.
#
# Usage: ./setup.sh [prerequisites] [--check] [--yes] [--json]
#        ./setup.sh --help
#
# POSIX sh, so that it runs with bash 3.2 (macOS), dash and busybox alike.
# Exit codes: 0 ready, 1 something that is required is missing, 2 wrong usage.

# A trace (sh -x) would print the tokens.
{ set +x; } 2>/dev/null
set -eu

# `cd` must not print or search elsewhere, and character ranges must mean ASCII.
unset CDPATH
LC_ALL=C
export LC_ALL

ROOT=$(cd -- "$(dirname -- "$0")" && pwd)
CONFIGURATION=infrastructure.config.json
NEWLINE='
'

# shellcheck source=scripts/setup/findings.sh
. "$ROOT/scripts/setup/findings.sh"
# shellcheck source=scripts/setup/files.sh
. "$ROOT/scripts/setup/files.sh"
# shellcheck source=scripts/setup/dotenv.sh
. "$ROOT/scripts/setup/dotenv.sh"
# shellcheck source=scripts/setup/tools.sh
. "$ROOT/scripts/setup/tools.sh"
# shellcheck source=scripts/setup/configuration.sh
. "$ROOT/scripts/setup/configuration.sh"
# shellcheck source=scripts/setup/http.sh
. "$ROOT/scripts/setup/http.sh"
# shellcheck source=scripts/setup/digitalocean.sh
. "$ROOT/scripts/setup/digitalocean.sh"
# shellcheck source=scripts/setup/github.sh
. "$ROOT/scripts/setup/github.sh"
# shellcheck source=scripts/setup/credentials.sh
. "$ROOT/scripts/setup/credentials.sh"
# shellcheck source=scripts/setup/state.sh
. "$ROOT/scripts/setup/state.sh"
# shellcheck source=scripts/setup/secrets.sh
. "$ROOT/scripts/setup/secrets.sh"

usage() {
  cat <<'USAGE'
Usage: ./setup.sh [prerequisites] [options]

Checks everything that a deployment needs (tools, configuration, tokens and what they may do) and lists
all findings at once, each with its fix. Creates infrastructure.config.json and a private .env where they
are missing, and offers to create the bucket of the states and the keys and encrypted secrets of the applications. Safe to run at any
time, as often as you like.

Options:
  --check   change nothing, only look
  --yes     ask nothing, and create what is missing
  --json    print the findings as JSON (asks nothing either)
  --help    this text

Values in the environment win over those in .env. Exit codes: 0 ready, 1 something that is required is
missing, 2 wrong usage.
USAGE
}

wrong_usage() {
  echo "setup.sh: $1" >&2
  echo "Try: ./setup.sh --help" >&2
  exit 2
}

# Everything that a deployment needs. One section after the other, none skipped because of another's findings.
prerequisites() {
  section "Files"
  prepare_files
  read_facts
  section "Tools"
  check_tools
  section "Configuration"
  check_configuration
  section "Credentials"
  load_dotenv
  ask_for_credentials
  check_credentials
  check_state
  section "Secrets of the applications"
  check_secrets
  conclude
}

check_only=no
ask=yes
yes=no
json=no
subcommand=
for argument in "$@"; do
  case $argument in
    --check) check_only=yes ;;
    --yes | -y) ask=no yes=yes ;;
    --json) json=yes ;;
    --help | -h)
      usage
      exit 0
      ;;
    -*) wrong_usage "unknown option: $argument" ;;
    *)
      [ -z "$subcommand" ] || wrong_usage "one subcommand at a time: $subcommand or $argument"
      subcommand=$argument
      ;;
  esac
done
if [ "$check_only" = yes ] || [ "$json" = yes ] || [ ! -t 0 ] || [ ! -t 1 ]; then ask=no; fi

cd -- "$ROOT"
case ${subcommand:-prerequisites} in
  prerequisites) prerequisites ;;
  *) wrong_usage "unknown subcommand: $subcommand" ;;
esac
