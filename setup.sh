#!/bin/sh
# Gets a checkout ready to deploy: finds Node, and starts the command (src/commands/setup.ts) that does the rest.
#
# Usage: ./setup.sh [prerequisites] [--check] [--yes] [--json]
#        ./setup.sh --help
#
# Exit codes: 0 ready, 1 something that is required is missing, 2 wrong usage.

# A trace (sh -x) would print the environment.
{ set +x; } 2>/dev/null
set -eu
# `cd` must not print or search elsewhere, and character ranges must mean ASCII.
unset CDPATH
LC_ALL=C

MINIMUM_NODE=20.12
FIX="install Node from nodejs.org, or run: mise install"

# without_node MESSAGE: there is nothing that could check more.
without_node() {
  case " $arguments " in
    *" --json "*)
      printf '{"ready":false,"findings":[{"check":"node","status":"missing","message":"%s","fix":"%s"}],"changes":[]}\n' "$1" "$FIX"
      ;;
    *)
      printf '  missing    %s\n             Fix: %s\n\n' "$1" "$FIX"
      printf 'Not ready: nothing else can be checked without it. Then run ./setup.sh again.\n'
      ;;
  esac
  exit 1
}

# is_recent VERSION: such as v20.12.0, at least MINIMUM_NODE.
is_recent() {
  have=${1#v}.0
  minor=${have#*.}
  minor=${minor%%.*}
  [ "${have%%.*}" -gt "${MINIMUM_NODE%.*}" ] ||
    { [ "${have%%.*}" -eq "${MINIMUM_NODE%.*}" ] && [ "$minor" -ge "${MINIMUM_NODE#*.}" ]; }
}

arguments=$*
ROOT=$(cd -- "$(dirname -- "$0")" && pwd)
cd -- "$ROOT"
command -v node >/dev/null 2>&1 ||
  without_node "node is not installed ($MINIMUM_NODE or later); required, it runs every command"
version=$(node --version 2>/dev/null </dev/null) || version=
case $version in
  v[0-9]*[!0-9.]* | v*[!0-9]) version=${version%%[!v0-9.]*} ;;
esac
case $version in
  v[0-9]*) ;;
  *) without_node "node prints no version: it is broken, or another program of that name" ;;
esac
is_recent "$version" ||
  without_node "node ${version#v} is too old, $MINIMUM_NODE or later is needed; it runs every command"
for argument; do
  shift
  # npm would take a short option for its own, so that the command has none.
  [ "$argument" != -y ] || argument=--yes
  set -- "$@" "$argument"
done
exec node scripts/hybrid-gitops.mjs setup "$@"
