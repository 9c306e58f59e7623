# shellcheck shell=sh
# Programs on the PATH and their versions.

MINIMUM_NODE=20.12
# Arguments that no state keeps (1.11), and state.backend "spaces" locks with a file in the bucket (1.10).
MINIMUM_TERRAFORM=1.11
# An older CLI would install older controllers, which do not know all fields in flux/.
MINIMUM_FLUX=2.9

check_tools() {
  require_tool node "$MINIMUM_NODE" "runs every command" "install Node from nodejs.org, or run: mise install"
  require_tool npm "" "installs the packages" "it comes with Node (on some systems as a package of its own: npm)"
  require_tool terraform "$MINIMUM_TERRAFORM" "creates the infrastructure" \
    "install it from developer.hashicorp.com/terraform/install, or run: mise install"
  require_tool git "" "holds what Flux deploys" "install it with your system's package manager"
  optional_tool curl "" "asks the clouds whether your tokens are valid" "install it with your system's package manager"
  optional_tool flux "$MINIMUM_FLUX" "lets deploy install Flux into the clusters itself" \
    "install it from fluxcd.io/flux/installation, or run: mise install"
  optional_tool kubectl "" "looks into the clusters" "install it from kubernetes.io/docs/tasks/tools, or run: mise install"
  check_sops
}

# require_tool NAME MINIMUM PURPOSE FIX: MINIMUM may be empty.
require_tool() {
  check_tool missing "$@"
}

optional_tool() {
  check_tool warning "$@"
}

# sops may be the one that `npm run tools` has built, which is on no PATH.
check_sops() {
  for built_sops in "${XDG_CACHE_HOME:-${HOME-}/.cache}"/hybrid-gitops/tools/sops-*/sops; do
    if [ -x "$built_sops" ]; then
      finding ok sops "sops"
      return
    fi
  done
  optional_tool sops "" "encrypts the secrets of your applications" \
    "install it from getsops.io, or run: mise install, or: npm run tools"
}

# check_tool STATUS NAME MINIMUM PURPOSE FIX: STATUS is the one to report when it is missing or too old.
check_tool() {
  if ! command -v "$2" >/dev/null 2>&1; then
    if [ "$1" = missing ]; then tool_need="required"; else tool_need="optional"; fi
    finding "$1" "$2" "$2 is not installed${3:+ ($3 or later)}; $tool_need, it $4" "$5"
    return
  fi
  if [ -z "$3" ]; then
    finding ok "$2" "$2"
    return
  fi
  tool_version=$(installed_version "$2")
  if [ -z "$tool_version" ]; then
    finding "$1" "$2" "$2 does not tell its version: it is broken, or another program of that name" "$5"
  elif version_at_least "$tool_version" "$3"; then
    finding ok "$2" "$2 $tool_version"
  else
    finding "$1" "$2" "$2 $tool_version is too old, $3 or later is needed; it $4" "$5"
  fi
}

# installed_version NAME: digits and dots, empty when the program does not say it in its usual form.
installed_version() {
  case $1 in
    node) node --version ;;
    terraform) CHECKPOINT_DISABLE=1 terraform version ;;
    flux) flux --version ;;
  esac </dev/null 2>/dev/null | sed -n \
    -e 's/^v\([0-9][0-9.]*\).*/\1/p' \
    -e 's/^Terraform v\([0-9][0-9.]*\).*/\1/p' \
    -e 's/^flux version \([0-9][0-9.]*\).*/\1/p' | sed -n '1p'
}

# version_at_least HAVE WANT: compares number by number, so that 1.10 is later than 1.9.
version_at_least() {
  version_have=$1.
  version_want=$2.
  while [ -n "$version_want" ]; do
    have_number=${version_have%%.*}
    want_number=${version_want%%.*}
    version_have=${version_have#*.}
    version_want=${version_want#*.}
    if [ "${have_number:-0}" -gt "$want_number" ]; then return 0; fi
    if [ "${have_number:-0}" -lt "$want_number" ]; then return 1; fi
  done
}

# usable_node: whether the project's programs can run.
usable_node() {
  command -v node >/dev/null 2>&1 || return 1
  tool_version=$(installed_version node)
  [ -n "$tool_version" ] && version_at_least "$tool_version" "$MINIMUM_NODE"
}
