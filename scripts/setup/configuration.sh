# shellcheck shell=sh
# infrastructure.config.json: what of it decides about other checks, and whether it is valid.

EXAMPLE_DOMAIN=example.com
EXAMPLE_OWNER=my-github-user

# Sets state_backend (local, spaces), project_domain, github_section (yes, no) and github_owner, github_repository;
# "unknown" where the file can't be read.
read_facts() {
  state_backend=unknown project_domain=unknown github_section=unknown github_owner=unknown github_repository=unknown
  command -v node >/dev/null 2>&1 || return 0
  # Values become parts of URLs and messages: what has other characters than a name's is left to the validation.
  # shellcheck disable=SC2016
  facts=$(node -e '
    var text = require("fs").readFileSync(process.argv[1], "utf8").replace(/^\uFEFF/, "");
    var c = JSON.parse(text);
    var name = function (v) { return typeof v === "string" && /^[A-Za-z0-9._-]+$/.test(v) ? v : "unknown"; };
    console.log(name((c.state || { backend: "local" }).backend));
    console.log(name((c.project || {}).domain));
    console.log(c.github ? "yes" : "no");
    console.log(name((c.github || {}).owner));
    console.log(name((c.github || {}).repository));
  ' "$CONFIGURATION" 2>/dev/null) || return 0
  {
    read -r state_backend
    read -r project_domain
    read -r github_section
    read -r github_owner
    read -r github_repository
  } <<FACTS
$facts
FACTS
}

# Sets configuration_valid (yes, no) for what comes after it.
check_configuration() {
  configuration_valid=no
  validate_configuration
  if [ "$project_domain" = "$EXAMPLE_DOMAIN" ]; then
    finding missing project-domain "project.domain is still $EXAMPLE_DOMAIN" \
      "put a domain that belongs to you into $CONFIGURATION"
  fi
  if [ "$github_owner" = "$EXAMPLE_OWNER" ]; then
    finding missing github-owner "github.owner is still $EXAMPLE_OWNER" \
      "put your GitHub user or organisation into $CONFIGURATION, or leave \"github\" out"
  fi
}

validate_configuration() {
  if [ ! -e "$CONFIGURATION" ]; then
    finding unchecked configuration "$CONFIGURATION is not checked: it is missing"
    return
  fi
  if ! usable_node; then
    finding unchecked configuration "$CONFIGURATION is not checked: that needs Node $MINIMUM_NODE or later"
    return
  fi
  if [ "$check_only" = yes ]; then
    if [ ! -e dist/cli.js ]; then
      finding unchecked configuration "$CONFIGURATION is not checked: the packages are not installed" \
        "run ./setup.sh without --check"
      return
    fi
  else
    if [ ! -e node_modules/.package-lock.json ]; then progress "Installing the packages, once (a minute or two) ..."; fi
    if ! prepare_output=$(node scripts/prepare.mjs 2>&1 </dev/null); then
      # npm explains all its options too; the reason stands first.
      prepare_output=$(printf '%s\n' "$prepare_output" | sed '12q')
      finding missing packages "the packages can't be installed:$NEWLINE$prepare_output" "npm ci shows all of it"
      return
    fi
  fi
  if check_output=$(node dist/cli.js check-config 2>&1 </dev/null); then
    configuration_valid=yes
    finding ok configuration "$CONFIGURATION is valid"
  else
    finding missing configuration "$check_output" "correct $CONFIGURATION; npm run check-config checks it again"
  fi
}
