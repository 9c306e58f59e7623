# shellcheck shell=sh
# Findings: collected for --json, printed as they come for people.
#
#   ok         fine
#   missing    required and not there: not ready
#   warning    works without, but should be looked at
#   unchecked  could not be found out (no network, another finding in the way)

required_missing=0
unchecked=0
findings_json=
changes_json=
bold='' red='' green='' yellow='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  escape=$(printf '\033')
  bold="${escape}[1m" red="${escape}[31m" green="${escape}[32m" yellow="${escape}[33m" plain="${escape}[0m"
fi

# section TITLE
section() {
  [ "$json" = yes ] || printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

# finding STATUS CHECK MESSAGE [FIX]: CHECK is the finding's stable name in the JSON.
finding() {
  if [ "$1" = missing ]; then required_missing=$((required_missing + 1)); fi
  if [ "$1" = unchecked ]; then unchecked=$((unchecked + 1)); fi
  if [ "$json" = yes ]; then
    findings_json="$findings_json${findings_json:+,}{\"check\":$(json_string "$2"),\"status\":\"$1\",\"message\":$(json_string "$3"),\"fix\":$(json_string "${4-}")}"
    return
  fi
  case $1 in
    ok) finding_color=$green ;;
    missing) finding_color=$red ;;
    *) finding_color=$yellow ;;
  esac
  printf '  %s%-9s%s  %s\n' "$finding_color" "$1" "$plain" "$(indent "$3")"
  if [ -n "${4-}" ]; then printf '             Fix: %s\n' "$(indent "$4")"; fi
}

# changed MESSAGE: something that this run has created or repaired.
changed() {
  if [ "$json" = yes ]; then
    changes_json="$changes_json${changes_json:+,}$(json_string "$1")"
  else
    printf '  %s%-9s%s  %s\n' "$green" changed "$plain" "$1"
  fi
}

# progress MESSAGE: for steps that take a while.
progress() {
  [ "$json" = yes ] || printf '  %s\n' "$1"
}

# Says whether the checkout is ready and what comes next, and ends the script.
conclude() {
  ready=true
  if [ "$required_missing" -gt 0 ]; then ready=false; fi
  if [ "$json" = yes ]; then
    printf '{"ready":%s,"findings":[%s],"changes":[%s]}\n' "$ready" "$findings_json" "$changes_json"
  elif [ "$ready" = true ]; then
    if [ "$unchecked" -gt 0 ]; then
      printf '\n%sReady%s as far as it could be checked (%s unchecked, see above). Next: npm run deploy\n' "$green" "$plain" "$unchecked"
    else
      printf '\n%sReady.%s Next: npm run deploy\n' "$green" "$plain"
    fi
    printf 'To see everything work without an account first: npm run demo\n'
  else
    printf '\n%sNot ready:%s %s of the findings above must be fixed. Then run ./setup.sh again.\n' \
      "$red" "$plain" "$required_missing"
    printf 'To see everything work without an account: npm run demo\n'
  fi
  [ "$ready" = true ] || exit 1
  exit 0
}

# Lines after the first begin where the first does.
indent() {
  printf '%s\n' "$1" | sed '2,$s/^/             /'
}

json_string() {
  printf '"'
  # Control characters other than newline and tab have no place in a message.
  printf '%s\n' "$1" | tr -d '\000-\010\013-\037\177' |
    sed -e 's/["\\]/\\&/g' -e 's/	/\\t/g' -e '$!s/$/\\n/' | tr -d '\n'
  printf '"'
}
