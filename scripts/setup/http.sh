# shellcheck shell=sh
# Requests to APIs. Tokens go to curl through its standard input: arguments of processes are public.

# http_get URL TOKEN: sets http_status (000: no answer), http_response (headers, empty line, body) and, without an
# answer, http_obstacle. What fails for the moment is asked once more, after as long as the server says, at most 10 s.
http_get() {
  http_ask "$1" "$2"
  http_momentary || return 0
  http_wait=$(http_header retry-after) || http_wait=1
  case $http_wait in
    [0-9] | 10) sleep "$http_wait" ;;
    # A longer time, or a date: not worth to sit and wait for.
    *) return 0 ;;
  esac
  http_ask "$1" "$2"
}

# http_momentary: whether the last answer can be another one a second later: a limit, trouble at their side, a connection that broke.
http_momentary() {
  case $http_status in
    429 | 500 | 502 | 503 | 504) return 0 ;;
    000) case $http_exit in 28 | 52 | 56) return 0 ;; esac ;;
  esac
  return 1
}

# http_ask URL TOKEN: one request, see http_get.
http_ask() {
  # -q: a .curlrc with `verbose` would print the token. Redirects aren't followed: the token is for this host only.
  # Quotes have to be balanced in here: bash 3.2 reads them although they are in a here-document.
  http_response=$(
    curl -q --silent --include --connect-timeout 5 --max-time 20 --write-out '\n%{http_code}' --config - 2>/dev/null <<REQUEST
url = "$1"
header = "Authorization: Bearer $2"
header = "Accept: application/json"
user-agent = "hybrid-gitops"
REQUEST
  ) && http_exit=0 || http_exit=$?
  http_status=${http_response##*"$NEWLINE"}
  if [ "$http_exit" -ne 0 ]; then http_status=000; fi
  case $http_exit in
    0) http_obstacle= ;;
    5 | 6) http_obstacle="its address can't be resolved; is there a network?" ;;
    7) http_obstacle="no connection" ;;
    28) http_obstacle="no answer in time" ;;
    35 | 60) http_obstacle="no secure connection (curl exit code $http_exit)" ;;
    *) http_obstacle="curl exit code $http_exit" ;;
  esac
}

# http_header NAME: prints the header's value; false when it is not there. NAME in lower case.
http_header() {
  printf '%s\n' "$http_response" | tr -d '\r' | awk -v name="$1" '
    $0 == "" { empty = 1; next }
    empty && !/^HTTP\// { exit }
    { empty = 0; colon = index($0, ":") }
    colon && tolower(substr($0, 1, colon - 1)) == name {
      value = substr($0, colon + 1)
      sub(/^ */, "", value)
      print value
      found = 1
      exit
    }
    END { exit !found }
  '
}

# http_inconclusive: whether the answer says nothing about the token; sets http_obstacle.
http_inconclusive() {
  case $http_status in
    000) return 0 ;;
    429) http_obstacle="too many requests (429), try again later" ;;
    5??) http_obstacle="it has a problem of its own ($http_status), try again later" ;;
    403)
      [ "$(http_header x-ratelimit-remaining || :)" = 0 ] || return 1
      http_obstacle="too many requests (403), try again later"
      ;;
    *) return 1 ;;
  esac
}

# plain_token TOKEN: whether it has only characters that tokens have.
plain_token() {
  case $1 in
    *[!A-Za-z0-9_.=+/~-]*) return 1 ;;
  esac
}

# plain_url URL: whether it is an address without anything that would need quoting.
plain_url() {
  case $1 in
    *[!A-Za-z0-9_.:/~%-]*) return 1 ;;
    http://?* | https://?*) return 0 ;;
    *) return 1 ;;
  esac
}
