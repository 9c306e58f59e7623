# shellcheck shell=sh
# Where the states are, and their bucket, where the configuration wants one: making it and a key for it, or looking at what is there.

check_state() {
  if [ "$state_backend" = "local" ] && [ "$github_section" = yes ]; then
    section "State"
    finding warning state "the states are in state/ on this machine only: a colleague would begin with states of their own, and the workflows at GitHub can't plan" \
      "alone and without the workflows that is fine; otherwise docs/state.md#a-bucket-for-a-team"
  fi
  [ "$state_backend" = spaces ] || return 0
  section "State"
  if [ "$configuration_valid" = yes ]; then
    if wants_bucket; then prepare_bucket --yes; else prepare_bucket --check; fi
    load_dotenv
  else
    finding unchecked state "the bucket of the states is not looked at: $CONFIGURATION can't be read yet"
  fi
  state_fix="npm run state -- prepare makes the bucket and its key (so does ./setup.sh --yes)"
  if [ "$(bucket_key_halves)" = 0 ]; then
    finding missing spaces-key "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set" "$state_fix"
    return 0
  fi
  check_credential set_only spaces-key "$state_fix" SPACES_ACCESS_KEY_ID AWS_ACCESS_KEY_ID
  check_credential set_only spaces-secret "$state_fix" SPACES_SECRET_ACCESS_KEY AWS_SECRET_ACCESS_KEY
}

# bucket_key_halves: prints how many halves of the bucket's key are set.
bucket_key_halves() {
  halves=0
  setting SPACES_ACCESS_KEY_ID AWS_ACCESS_KEY_ID
  if [ -n "$value" ]; then halves=$((halves + 1)); fi
  setting SPACES_SECRET_ACCESS_KEY AWS_SECRET_ACCESS_KEY
  if [ -n "$value" ]; then halves=$((halves + 1)); fi
  echo "$halves"
}

# wants_bucket: a bucket and keys are made only when somebody says so, by --yes or at the terminal.
wants_bucket() {
  if [ "$check_only" = yes ]; then return 1; fi
  if [ "$yes" = yes ]; then return 0; fi
  if [ "$ask" = no ]; then return 1; fi
  printf '  Make the bucket of the states and a key for it, or mend what is there? For a moment this needs a key\n'
  printf '  with full access to your buckets, which is deleted again. [Y/n] '
  IFS= read -r state_answer || state_answer=n
  case $state_answer in
    '' | [Yy] | [Yy][Ee][Ss]) return 0 ;;
    *) return 1 ;;
  esac
}

# prepare_bucket --yes|--check: its findings become findings of this script.
prepare_bucket() {
  # It ends with 1 when something is missing; what was found is told all the same.
  state_report=$(node dist/cli.js state prepare "$1" --json 2>/dev/null </dev/null) || :
  # shellcheck disable=SC2016
  state_findings=$(printf '%s\n' "$state_report" | node -e '
    var report = JSON.parse(require("fs").readFileSync(0, "utf8"));
    var line = function (words) { console.log(words.map(function (w) { return String(w || "-").replace(/\s+/g, " "); }).join("\t")); };
    report.findings.forEach(function (f) { line([f.status, f.check, f.message, f.fix]); });
    if (report.problem) line(["missing", "problem", report.problem]);
  ' 2>/dev/null) || {
    finding unchecked state "the bucket of the states can't be looked at" "npm run state -- prepare --check says why"
    return 0
  }
  while IFS='	' read -r state_status state_check state_message state_remedy; do
    case $state_status in
      '') continue ;;
      changed) changed "$state_message" ;;
      *)
        # A key that isn't set is told once, by check_state.
        if [ "$state_status $state_check" = "missing key" ] && [ "$(bucket_key_halves)" != 2 ]; then continue; fi
        if [ "${state_remedy:--}" = - ]; then state_remedy=; fi
        finding "$state_status" "state-$state_check" "$state_message" "$state_remedy"
        ;;
    esac
  done <<FINDINGS
$state_findings
FINDINGS
}
