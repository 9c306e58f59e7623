# shellcheck shell=sh
# Whether GITHUB_TOKEN is valid and may do what the GitHub stack and `flux bootstrap` do.

# Of a classic token. "repo" includes Actions secrets, environments, deploy keys and webhooks of a repository;
# "workflow" is needed to push a branch that changes .github/workflows.
GITHUB_SCOPES='repo workflow'

# Harmless beside them: flux bootstrap reads an organisation's teams.
GITHUB_HARMLESS_SCOPES='read:org'

# A token that ends within so many days is told: CI would stop in the middle of somebody's work.
EXPIRY_DAYS=14

# What a fine-grained token has to be allowed to, and a request that is refused without it.
GITHUB_PERMISSIONS='actions/secrets/public-key	Secrets
environments	Actions
actions/variables?per_page=1	Variables
keys?per_page=1	Administration
hooks?per_page=1	Webhooks
contents	Contents'

# check_github TOKEN
check_github() {
  setting GITHUB_BASE_URL
  github_url=${value:-https://api.github.com}
  github_url=${github_url%/}
  if ! plain_url "$github_url"; then
    finding missing github-url "GITHUB_BASE_URL is not an http(s) address" "correct or remove it"
    return
  fi
  http_get "$github_url/user" "$1"
  if http_inconclusive; then
    finding unchecked github-token "GITHUB_TOKEN is set but not checked: GitHub: $http_obstacle"
    return
  fi
  case $http_status in
    401)
      finding missing github-token "GITHUB_TOKEN is not valid (expired, revoked or mistyped)" \
        "make a new one at github.com/settings/tokens with the scopes repo and workflow, and put it into .env"
      return
      ;;
    # 403: the token of an app, which is no user.
    200 | 403) ;;
    *)
      finding unchecked github-token "GITHUB_TOKEN is set but not checked: GitHub answered $http_status"
      return
      ;;
  esac
  check_github_expiry
  if github_scopes=$(http_header x-oauth-scopes); then
    check_github_scopes
    check_github_repository "$1" classic
  else
    check_github_repository "$1" fine-grained
  fi
}

check_github_scopes() {
  github_scopes=" $(printf '%s' "$github_scopes" | tr ',' ' ') "
  check_github_breadth
  github_missing=
  for scope in $GITHUB_SCOPES; do
    case $github_scopes in
      *" $scope "*) ;;
      *) github_missing="$github_missing${github_missing:+, }$scope" ;;
    esac
  done
  if [ -n "$github_missing" ]; then
    finding missing github-token "GITHUB_TOKEN lacks the scope: $github_missing" \
      "add it to the token at github.com/settings/tokens"
  else
    finding ok github-token "GITHUB_TOKEN is valid and has the scopes repo and workflow"
  fi
}

# Scopes beyond those that are needed, such as delete_repo: whoever gets hold of the token has them too.
check_github_breadth() {
  github_surplus=
  for scope in $github_scopes; do
    case " $GITHUB_SCOPES $GITHUB_HARMLESS_SCOPES " in
      *" $scope "*) ;;
      *) github_surplus="$github_surplus${github_surplus:+, }$scope" ;;
    esac
  done
  if [ -n "$github_surplus" ]; then
    finding warning github-scopes "GITHUB_TOKEN has scopes that nothing here needs: $github_surplus" \
      "take them away at github.com/settings/tokens, or use a fine-grained token for this repository only (docs/credentials.md)"
  fi
}

# By the header that GitHub answers every token with an end with: "2026-12-24 18:00:00 UTC", or with an offset (+0100).
check_github_expiry() {
  github_expiry=$(http_header github-authentication-token-expiration) || return 0
  github_days=$(days_until "$github_expiry") || return 0
  if [ "$github_days" -le "$EXPIRY_DAYS" ]; then
    finding warning github-expiry "GITHUB_TOKEN ends on ${github_expiry%% *}, in $github_days days" \
      "make a new one at github.com/settings/tokens, put it into .env and deploy, which brings it to CI"
  fi
}

# days_until DATE: whole days from today (UTC) until a date that begins with YYYY-MM-DD; false when it is none.
days_until() {
  printf '%s %s\n' "$(date -u +%Y-%m-%d)" "$1" | awk '
    $2 !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ { exit 1 }
    {
      # Days since a fixed day long ago; a year begins in March, so that the leap day is its last.
      for (i = 1; i <= 2; i++) {
        split($i, part, "-")
        year = part[1] - (part[2] < 3)
        month = (part[2] + 9) % 12
        day[i] = 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((month * 306 + 5) / 10) + part[3]
      }
      print day[2] - day[1]
    }
  '
}

# check_github_repository TOKEN KIND
check_github_repository() {
  if [ "$github_section" != yes ] || [ "$github_owner" = unknown ] || [ "$github_repository" = unknown ] ||
    [ "$github_owner" = "$EXAMPLE_OWNER" ]; then
    finding unchecked github-repository "GITHUB_TOKEN is valid; access to the repository is not checked: the configuration doesn't name it yet"
    return
  fi
  github_name=$github_owner/$github_repository
  http_get "$github_url/repos/$github_name" "$1"
  if http_inconclusive; then
    finding unchecked github-repository "access to $github_name is not checked: GitHub: $http_obstacle"
    return
  fi
  case $http_status in
    200) ;;
    403)
      github_fix="see that the token may use the repositories of $github_owner"
      if http_header x-github-sso >/dev/null; then
        github_fix="authorise the token for the single sign-on of $github_owner at github.com/settings/tokens"
      fi
      finding missing github-repository "GITHUB_TOKEN is refused by $github_name (403)" "$github_fix"
      return
      ;;
    404)
      finding missing github-repository "$github_name doesn't exist, or GITHUB_TOKEN doesn't see it" \
        "create it at github.com/new, give the token access to it, or correct github.owner and github.repository in $CONFIGURATION"
      return
      ;;
    301)
      finding missing github-repository "$github_name has moved" "put its new name into $CONFIGURATION"
      return
      ;;
    *)
      finding unchecked github-repository "access to $github_name is not checked: GitHub answered $http_status"
      return
      ;;
  esac
  if [ "$2" = fine-grained ]; then
    check_github_permissions "$1"
    return
  fi
  case $http_response in
    *'"admin":true'* | *'"admin": true'*) finding ok github-repository "$github_name is there and you administer it" ;;
    *)
      finding missing github-repository "you don't administer $github_name: environments, deploy keys and webhooks can't be set" \
        "ask its owner for the role Admin"
      ;;
  esac
}

check_github_permissions() {
  github_missing=
  while IFS='	' read -r resource permission; do
    http_get "$github_url/repos/$github_name/$resource" "$1"
    if http_inconclusive; then
      finding unchecked github-token "GITHUB_TOKEN is valid, its permissions are not checked: GitHub: $http_obstacle"
      return
    fi
    if [ "$http_status" = 403 ]; then github_missing="$github_missing${github_missing:+, }$permission"; fi
  done <<PERMISSIONS
$GITHUB_PERMISSIONS
PERMISSIONS
  if [ -n "$github_missing" ]; then
    finding missing github-token "GITHUB_TOKEN lacks permissions on $github_name: $github_missing" \
      "give it read and write access to these at github.com/settings/personal-access-tokens"
  else
    finding ok github-token "GITHUB_TOKEN is valid and reaches $github_name (that it may write shows only when something is created)"
  fi
}
