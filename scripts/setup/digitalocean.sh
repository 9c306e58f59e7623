# shellcheck shell=sh
# Whether DIGITALOCEAN_TOKEN is valid and what it may read. Custom scopes go by resource, and a request without the
# scope is answered with 403.

# Resource and the name of its scope, as cloud.digitalocean.com lists them.
DIGITALOCEAN_RESOURCES='kubernetes/clusters	kubernetes
vpcs	vpc
projects	project
domains	domain'

# Nothing here needs these: a token that reads them all may do more than it has to.
DIGITALOCEAN_UNNEEDED='apps	app
databases	database'

# check_digitalocean TOKEN
check_digitalocean() {
  setting DIGITALOCEAN_API_URL
  digitalocean_url=${value:-https://api.digitalocean.com}
  digitalocean_url=${digitalocean_url%/}
  if ! plain_url "$digitalocean_url"; then
    finding missing digitalocean-url "DIGITALOCEAN_API_URL is not an http(s) address" "correct or remove it"
    return
  fi
  http_get "$digitalocean_url/v2/account" "$1"
  if http_inconclusive; then
    finding unchecked digitalocean-token "DIGITALOCEAN_TOKEN is set but not checked: DigitalOcean: $http_obstacle"
    return
  fi
  case $http_status in
    # 403: a valid token without the scope account:read, which nothing here needs.
    200 | 403) check_digitalocean_scopes "$1" ;;
    401)
      finding missing digitalocean-token "DIGITALOCEAN_TOKEN is not valid (expired, revoked or mistyped)" \
        "make a new one at cloud.digitalocean.com/account/api/tokens and put it into .env"
      ;;
    *)
      finding unchecked digitalocean-token "DIGITALOCEAN_TOKEN is set but not checked: DigitalOcean answered $http_status"
      ;;
  esac
}

check_digitalocean_scopes() {
  digitalocean_missing=
  digitalocean_needed=$DIGITALOCEAN_RESOURCES
  # The bucket of the state has a key of its own, which setup.sh makes.
  if [ "$state_backend" = spaces ]; then digitalocean_needed="$digitalocean_needed${NEWLINE}spaces/keys	spaces_key"; fi
  while IFS='	' read -r resource scope; do
    http_get "$digitalocean_url/v2/$resource?per_page=1" "$1"
    if http_inconclusive; then
      finding unchecked digitalocean-token "DIGITALOCEAN_TOKEN is valid, its scopes are not checked: DigitalOcean: $http_obstacle"
      return
    fi
    if [ "$http_status" = 403 ]; then digitalocean_missing="$digitalocean_missing${digitalocean_missing:+, }$scope"; fi
  done <<RESOURCES
$digitalocean_needed
RESOURCES
  if [ -n "$digitalocean_missing" ]; then
    finding missing digitalocean-token "DIGITALOCEAN_TOKEN lacks access to: $digitalocean_missing" \
      "make a token with the custom scopes in docs/credentials.md at cloud.digitalocean.com/account/api/tokens, and put it into .env"
  else
    check_digitalocean_breadth "$1"
    finding ok digitalocean-token "DIGITALOCEAN_TOKEN is valid (that it may write shows only when something is created)"
  fi
}

# check_digitalocean_breadth TOKEN: whoever gets hold of a token with full access can delete everything of the team.
check_digitalocean_breadth() {
  digitalocean_surplus=
  while IFS='	' read -r resource scope; do
    http_get "$digitalocean_url/v2/$resource?per_page=1" "$1"
    # One of them alone may have come along with another scope.
    if [ "$http_status" != 200 ]; then return; fi
    digitalocean_surplus="$digitalocean_surplus${digitalocean_surplus:+, }$scope"
  done <<RESOURCES
$DIGITALOCEAN_UNNEEDED
RESOURCES
  finding warning digitalocean-scopes "DIGITALOCEAN_TOKEN may do more than is needed: it also reads $digitalocean_surplus, as a token with full access does" \
    "make one with the custom scopes in docs/credentials.md instead"
}
