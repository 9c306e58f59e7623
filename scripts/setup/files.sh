# shellcheck shell=sh
# The user's own files: made from their examples, private where they hold secrets, and kept out of Git.

prepare_files() {
  prepare_configuration
  prepare_dotenv
  check_ignored
}

prepare_configuration() {
  if [ -e "$CONFIGURATION" ]; then
    finding ok configuration-file "$CONFIGURATION is there"
  elif [ "$check_only" = yes ]; then
    finding missing configuration-file "$CONFIGURATION is missing" \
      "run ./setup.sh without --check: it makes one from $CONFIGURATION.example"
  elif copy_example "$CONFIGURATION" 022; then
    changed "$CONFIGURATION was made from $CONFIGURATION.example: put your own values there"
  else
    finding missing configuration-file "$CONFIGURATION can't be made from $CONFIGURATION.example" \
      "see that the example is there and the directory is writable"
  fi
}

prepare_dotenv() {
  if [ ! -e .env ]; then
    if [ "$check_only" = yes ]; then
      finding warning dotenv ".env is missing: tokens can only come from the environment" \
        "run ./setup.sh without --check: it makes a private one from .env.example"
    elif copy_example .env 077; then
      changed ".env was made from .env.example, readable by you only (0600): put your tokens there"
    else
      finding missing dotenv ".env can't be made from .env.example" \
        "see that the example is there and the directory is writable"
    fi
    return
  fi
  if [ ! -f .env ] || [ ! -r .env ]; then
    finding missing dotenv ".env is not a readable file" "make it a text file with lines of the form NAME=value"
    return
  fi
  # `stat` takes other options on macOS, busybox and Linux; the mode column of ls is everywhere the same.
  # shellcheck disable=SC2012
  dotenv_mode=$(ls -ldL .env | cut -c1-10)
  case $dotenv_mode in
    -r[w-]-------) finding ok dotenv ".env is there, readable by you only" ;;
    *)
      if [ "$check_only" = no ] && chmod 600 .env 2>/dev/null; then
        changed ".env was open to other users ($dotenv_mode): it is now readable by you only (0600)"
      else
        finding missing dotenv ".env holds tokens and is open to other users ($dotenv_mode)" "chmod 600 .env"
      fi
      ;;
  esac
}

# copy_example FILE UMASK: never overwrites (noclobber opens with O_EXCL), never leaves half a file.
copy_example() {
  [ -r "$1.example" ] || return 1
  (
    umask "$2"
    set -C
    cat "$1.example" >"$1"
  ) 2>/dev/null
}

# What must never be committed: one line each, a path that stands for the kind and what it is.
PRIVATE_PATHS='.env	tokens
.secrets/production/key	private keys
state/production.tfstate	the Terraform state
terraform.tfstate	the Terraform state
cdktf.out/stacks/production-cluster/plan.tfplan	Terraform plans'

check_ignored() {
  if ! command -v git >/dev/null 2>&1; then
    finding unchecked git-ignored "whether private files are kept out of Git is not checked: git is missing"
    return
  fi
  if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    finding warning git-ignored "this is not a Git repository (or Git refuses it): Flux deploys from Git" \
      "clone your copy of the template with git, or run: git init"
    return
  fi
  not_ignored=
  while IFS='	' read -r private_path private_what; do
    if ! git check-ignore --quiet --no-index -- "$private_path"; then
      not_ignored="$not_ignored${not_ignored:+, }${private_path%%/*} ($private_what)"
    fi
  done <<PATHS
$PRIVATE_PATHS
PATHS
  tracked=$(git ls-files -- .env '.env.*' ':!.env.example' .secrets state '*.tfstate' '*.tfplan' | tr '\n' ' ')
  if [ -n "$not_ignored" ]; then
    finding missing git-ignored "not ignored by Git: $not_ignored" "add these paths to .gitignore"
  fi
  if [ -n "$tracked" ]; then
    finding missing git-tracked "tracked by Git although private: ${tracked% }" \
      "git rm --cached -- ${tracked% }, commit, and replace every token that was ever pushed"
  fi
  if [ -z "$not_ignored$tracked" ]; then
    finding ok git-ignored "tokens, keys, plans and the state are kept out of Git"
  fi
}
