# shellcheck shell=sh
# The applications' encrypted secrets: what is missing, and making it where that is wanted.

check_secrets() {
  if [ "$configuration_valid" != yes ]; then
    finding unchecked secrets "the applications' secrets are not looked at: $CONFIGURATION can't be read yet"
    return
  fi
  if ! list_secrets; then return 0; fi
  if [ "$secrets_absent" = 0 ]; then
    finding ok secrets "the applications' secrets are there ($secrets_declared)"
  elif ! wants_secrets; then
    finding warning secrets "$secrets_absent of $secrets_declared secrets that applications wait for are not created" \
      "npm run secrets -- create (or ./setup.sh --yes)"
  else
    create_secrets
  fi
  if [ -n "$secrets_needed" ]; then
    finding warning secret-values "values that only you can give are missing: $secrets_needed" \
      "put them into .env, then run: npm run secrets -- create (npm run secrets -- list says what they are)"
  fi
}

# Sets secrets_declared and secrets_absent (numbers) and secrets_needed (names of variables).
list_secrets() {
  if ! secrets_list=$(node dist/cli.js secrets list --json 2>/dev/null </dev/null); then
    secrets_reason=$(node dist/cli.js secrets list 2>&1 >/dev/null </dev/null || :)
    finding warning secrets "the applications' secrets can't be listed:$NEWLINE$(printf '%s\n' "$secrets_reason" | sed '/./!d;12q')" \
      "npm run secrets -- list"
    return 1
  fi
  # shellcheck disable=SC2016
  secrets_facts=$(printf '%s\n' "$secrets_list" | node -e '
    var all = [].concat.apply([], JSON.parse(require("fs").readFileSync(0, "utf8")).environments.map(function (e) { return e.secrets; }));
    var open = all.filter(function (s) { return !s.created || s.missingKeys.length > 0; });
    var needed = {};
    all.forEach(function (s) { s.missingValues.forEach(function (v) { if (!v.withoutIt) needed[v.variables[1]] = true; }); });
    console.log(all.length);
    console.log(open.length);
    console.log(Object.keys(needed).join(", "));
  ' 2>/dev/null) || {
    finding unchecked secrets "the applications' secrets can't be listed" "npm run secrets -- list says why"
    return 1
  }
  {
    read -r secrets_declared
    read -r secrets_absent
    read -r secrets_needed || :
  } <<FACTS
$secrets_facts
FACTS
}

# wants_secrets: keys are made only when somebody says so, by --yes or at the terminal.
wants_secrets() {
  if [ "$check_only" = yes ]; then return 1; fi
  if [ "$yes" = yes ]; then return 0; fi
  if [ "$ask" = no ]; then return 1; fi
  printf '  Create the missing secrets (%s, encrypted) now, and the keys where there are none? [Y/n] ' "$secrets_absent"
  IFS= read -r secrets_answer || secrets_answer=n
  case $secrets_answer in
    '' | [Yy] | [Yy][Ee][Ss]) return 0 ;;
    *) return 1 ;;
  esac
}

create_secrets() {
  # It ends with 1 when some of them have to wait; what was made is told all the same.
  secrets_made=$(node dist/cli.js secrets create --json 2>/dev/null </dev/null) || :
  # shellcheck disable=SC2016
  secrets_facts=$(printf '%s\n' "$secrets_made" | node -e '
    var list = JSON.parse(require("fs").readFileSync(0, "utf8")).environments;
    var sum = function (name) { return [].concat.apply([], list.map(function (e) { return e[name] || []; })); };
    console.log(sum("created").length + sum("completed").length);
    console.log(sum("madeKey").join(", "));
    sum("problems").forEach(function (problem) { console.log(problem.replace(/\s+/g, " ")); });
  ' 2>/dev/null) || {
    finding warning secrets "the applications' secrets can't be created" "npm run secrets -- create says why"
    return 0
  }
  secrets_count=$(printf '%s\n' "$secrets_facts" | sed -n 1p)
  secrets_keys=$(printf '%s\n' "$secrets_facts" | sed -n 2p)
  secrets_problems=$(printf '%s\n' "$secrets_facts" | sed 1,2d)
  if [ -n "$secrets_keys" ]; then
    changed "$secrets_keys: new private keys, readable by you only (0600); keep copies in a safe place"
  fi
  if [ "$secrets_count" != 0 ]; then
    changed "$secrets_count encrypted secrets were made: commit them with .sops.yaml (git add .sops.yaml flux)"
  fi
  if [ -n "$secrets_problems" ]; then
    finding warning secrets "$secrets_problems" "then run: npm run secrets -- create"
  else
    finding ok secrets "the applications' secrets are there ($secrets_declared)"
  fi
}
