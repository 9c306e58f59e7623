#!/bin/sh
# Static configuration: replaces the placeholders in the YAML files under flux/ by the project's values.
#
#   usage:   REPLACEMENTS=... sh configure.sh        (in the project's folder, the one that holds flux/)
#   input:   REPLACEMENTS, one "placeholder<TAB>value" a line
#   output:  one line per changed file and a summary; exit status 0 when every placeholder is replaced,
#            1 when something stopped it (the message names the place, the reason and the fix)
#
# What it keeps in flux/.backups/:
#   <path>.orig     the file as it was before its first change; never overwritten, never *.yaml, because
#                   Flux would load it
#   configured.txt  the record: the value last written for each placeholder, and checksum (cksum) and size of
#                   each file as it was last written; tells a file that was edited since from one that was not
#   .run/           journal and scratch files of a run; what a killed run leaves here is finished by the next one
#   .lock/          held while a run works, with the owner's process id
#
# Matching rules (pending.ts has the same ones): a placeholder counts only as a whole token, that is not after
# [A-Za-z0-9_-], not before [A-Za-z0-9_-] and not before a dot that an alphanumeric follows. Bytes 1 and 2 count
# as letters, they mark places inside the sed script.
#
# Runs under any POSIX shell with the POSIX tools of GNU, BSD, macOS and busybox.

set -u
LC_ALL=C
export LC_ALL

readonly tree=flux
readonly backups=$tree/.backups
readonly record=$backups/configured.txt
readonly run=$backups/.run
readonly lock=$backups/.lock
# Seconds to wait for another run; the variable is for tests.
readonly lock_timeout="${STATIC_CONFIGURATION_LOCK_TIMEOUT:-60}"
lock_held=no

fail() {
  printf 'static configuration: %s\n' "$1" >&2
  exit 1
}

# Some tools (busybox) end well though the disk was full when they wrote. After such a write there is no block left, so
# that this one fails too. Called after a tool has written something that later steps build on. The file is emptied
# again: blocks of its own would make room for the next one.
room=$(printf '%8192s' '')
readonly room
check_room() { { printf '%s' "$room" >"$run/room" && printf '' >"$run/room"; } || fail_to_write; }

# A redirection of ":" that fails would end the script without a word about the fix.
empty() { printf '' >"$1" || fail_to_write; }

fail_to_write() { fail "$run: cannot be written; free disk space or make $backups writable, then run again"; }

# ---------------------------------------------------------------------------------------------- awk functions
# Paths are handed around as ".//flux/...": two slashes occur nowhere inside a path, so that even a name with
# line breaks can be told apart in the output of grep, find and cksum.
# shellcheck disable=SC2016
readonly awk_functions='
function escape(path) {
  gsub(/%/, "%25", path); gsub(/\t/, "%09", path); gsub(/\n/, "%0A", path); gsub(/\r/, "%0D", path)
  return path
}
function unescape(path) {
  gsub(/%0D/, "\r", path); gsub(/%0A/, "\n", path); gsub(/%09/, "\t", path); gsub(/%25/, "%", path)
  return path
}
function quote(text,   part, n, i, out) {
  n = split(text, part, "\047")
  out = part[1]
  for (i = 2; i <= n; i++) out = out "\047\\\047\047" part[i]
  return "\047" out "\047"
}
function backup_of(path) { return "flux/.backups/" substr(path, 6) ".orig" }
function live_of(backup) { return "flux/" substr(backup, 15, length(backup) - 19) }
function directory_of(path) { sub("/[^/]*$", "", path); return path }
function read_paths(file, list,   line, n) {
  n = 0
  while ((getline line < file) > 0) {
    if (index(line, ".//flux/") == 1) list[++n] = substr(line, 4)
    else if (n) list[n] = list[n] "\n" line
  }
  close(file)
  return n
}
function read_lines(file, list,   line, n) {
  n = 0
  while ((getline line < file) > 0) list[++n] = unescape(line)
  close(file)
  return n
}
# Output of cksum on ".//flux/..." names: sums[path] = "<checksum>\t<size>".
function read_sums(file, sums,   line, part, path, value) {
  path = ""
  while ((getline line < file) > 0) {
    if (line ~ /^[0-9]+ [0-9]+ \.\/\/flux\//) {
      if (path != "") sums[path] = value
      split(line, part, " ")
      value = part[1] "\t" part[2]
      path = substr(line, length(part[1]) + length(part[2]) + 6)
    } else path = path "\n" line
  }
  if (path != "") sums[path] = value
  close(file)
}
function read_record(file, values, files,   line, part, n) {
  while ((getline line < file) > 0) {
    sub(/\r$/, "", line)
    n = split(line, part, "\t")
    if (part[1] == "value" && n == 3) values[part[2]] = part[3]
    else if (part[1] == "file" && n == 4) files[unescape(part[2])] = part[3] "\t" part[4]
    else if (line != "" && line !~ /^#/) damaged = line
  }
  close(file)
}
# Shell lines that call "$@" with up to `limit` of the words at a time.
function print_calls(file, words, n, limit,   i, line, count) {
  line = ""; count = 0
  printf "" > file
  for (i = 1; i <= n; i++) {
    line = line " " words[i]
    if (++count == limit || length(line) > 60000 || i == n) {
      print "\"$@\"" line " || return 1" > file
      line = ""; count = 0
    }
  }
  # What is missing in a list would be left out, so an error of writing ends the run.
  if (close(file) != 0) exit 1
}
'

# Runs the command with the paths of a list that print_calls wrote. usage: over LIST COMMAND [ARGUMENT...]
over() {
  over_list=$1
  shift
  # shellcheck disable=SC1090
  . "$over_list"
}

# Compiles "placeholder<TAB>value" lines into a sed script and a pattern for grep, longest placeholder first.
# One pass: every placeholder becomes a marker (byte 1, number, byte 2), in a loop because neighbours share the
# character between them; then the markers become the values, so that a value is never searched again.
# usage: compile PAIRS NAME   (writes NAME.sed and NAME.pattern)
compile() {
  awk -v name="$2" '
    function regex(text, delimiter,   out, i, c) {
      out = ""
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == delimiter || c == "^" || c == "\\") out = out "\\" c
        else if (index(".[*$+?(){|", c)) out = out "[" c "]"
        else out = out c
      }
      return out
    }
    function literal(text,   out, i, c) {
      out = ""
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        out = out (c == "/" || c == "&" || c == "\\" ? "\\" c : c)
      }
      return out
    }
    function before(a, b) { return length(a) != length(b) ? length(a) > length(b) : a < b }
    BEGIN { FS = "\t" }
    {
      for (i = ++n; i > 1 && before($1, placeholder[i - 1]); i--) {
        placeholder[i] = placeholder[i - 1]; value[i] = value[i - 1]
      }
      placeholder[i] = $1; value[i] = $2
    }
    END {
      script = name ".sed"; pattern = name ".pattern"
      printf "" > pattern
      if (n == 0) { print "b" > script; exit }
      word = "A-Za-z0-9_\001\002"
      any = any_sed = ""
      for (i = 1; i <= n; i++) {
        any = any (i > 1 ? "|" : "") regex(placeholder[i], "")
        any_sed = any_sed (i > 1 ? "|" : "") regex(placeholder[i], "/")
      }
      print "(^|[^" word "-])(" any ")($|[^" word ".-]|[.]($|[^A-Za-z0-9\001]))" > pattern
      print "/(" any_sed ")/!b" > script
      print "s/\001/\001\002/g" > script
      print "s/^/\003/" > script
      print "s/$/\003/" > script
      for (i = 1; i <= n; i++) {
        print ":a" i > script
        print "s/([^" word "-])" regex(placeholder[i], "/") "([^" word ".-]|[.][^A-Za-z0-9\001])/\\1\001" i "\002\\2/g" > script
        print "ta" i > script
      }
      print "s/^\003//" > script
      print "s/\003$//" > script
      for (i = 1; i <= n; i++) print "s/\001" i "\002/" literal(value[i]) "/g" > script
      print "s/\001\002/\001/g" > script
      if (close(script) != 0 || close(pattern) != 0) exit 1
    }
  ' "$1"
}

# Checks REPLACEMENTS, writes the pairs to replace to $run/table, and all pairs to $run/all: a value that became
# its placeholder again is a changed one.
read_replacements() {
  printf '%s\n' "$REPLACEMENTS" | awk -v table="$run/table" -v all="$run/all" '
    function reject(reason) { print "line " NR " of REPLACEMENTS: " reason; failed = 1; exit 1 }
    BEGIN {
      FS = "\t"
      printf "" > table
      printf "" > all
      for (i = 1; i < 32; i++) control = control sprintf("%c", i)
      control = control sprintf("%c", 127)
    }
    $0 == "" { next }
    {
      if (NF != 2) reject("expected placeholder, one tab and value, found " NF " columns")
      for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        if (c != "\t" && index(control, c)) reject("a control character in \"" $1 "\" or its value; remove it")
      }
      if ($1 !~ /^[A-Za-z0-9]/ || $1 !~ /[A-Za-z0-9]$/)
        reject("the placeholder \"" $1 "\" has to begin and end with a letter or a digit")
      if (($1 in seen) && seen[$1] != $2)
        reject("\"" $1 "\" has two values, \"" seen[$1] "\" and \"" $2 "\"; keep one")
      if (!($1 in seen)) print > all
      if (!($1 in seen) && $1 != $2) print > table
      seen[$1] = $2
    }
  '
}

# ------------------------------------------------------------------------------------------------------- lock

# True when the process id belongs to a run of this script, to one of its children, or to a restore (node).
alive() {
  if [ -d /proc/self ]; then
    [ -d "/proc/$1" ] && grep -q -e configure -e sed -e node "/proc/$1/cmdline" 2>/dev/null
  else
    kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1
  fi
}

# The live process that holds the lock; nothing when there is none.
lock_owner() {
  for lock_file in owner child; do
    # The group keeps "file not found" quiet when the lock is given back meanwhile.
    { read -r lock_pid <"$lock/$lock_file"; } 2>/dev/null || continue
    if [ "$lock_pid" != "$$" ] && alive "$lock_pid"; then
      printf '%s' "$lock_pid"
      return
    fi
  done
}

take_lock() {
  # In fifths of a second where sleep knows fractions.
  waited=0
  while ! mkdir "$lock" 2>/dev/null; do
    if [ ! -d "$lock" ]; then
      # Given back a moment ago, together with the empty folder of backups, or it can't be made at all.
      mkdir -p "$backups" 2>/dev/null
      mkdir "$lock" 2>/dev/null && break
      [ -d "$lock" ] || [ "$waited" -lt 15 ] || fail "$lock: cannot be created; free disk space or make $backups writable, then run again"
    fi
    owner=$(lock_owner)
    # A lock that is not signed may be a moment old, so it is looked at twice.
    if [ -z "$owner" ] && { [ -s "$lock/owner" ] || [ "$waited" -ge 5 ]; } && mkdir "$lock/breaking" 2>/dev/null; then
      # Only one waiter gets here for one and the same lock; what it found before may be out of date by now.
      if [ -z "$(lock_owner)" ] && mv "$lock" "$lock.stale.$$" 2>/dev/null; then
        rm -rf "$lock.stale.$$"
        continue
      fi
      rmdir "$lock/breaking" 2>/dev/null
    elif [ -z "$owner" ] && [ "$waited" -gt 25 ]; then
      # The waiter that was to remove the stale lock died over it.
      rmdir "$lock/breaking" 2>/dev/null
    fi
    [ "$waited" -lt "$((lock_timeout * 5))" ] || fail "$lock: another run (process ${owner:-unknown}) has worked on $tree/ \
for more than $lock_timeout s; wait for it, or, when no such run exists, remove that folder and try again"
    [ "$waited" -ne 10 ] || echo "waiting for another static configuration to finish (process ${owner:-unknown})"
    if sleep 0.2 2>/dev/null; then waited=$((waited + 1)); else sleep 1 && waited=$((waited + 5)); fi
  done
  lock_held=yes
  echo "$$" >"$lock/owner" || fail "$lock/owner: cannot be written; free disk space or make $backups writable, then run again"
}

release() {
  [ "$lock_held" = yes ] || return 0
  lock_held=no
  rm -rf "$lock"
  rmdir "$backups" 2>/dev/null
  return 0
}

# A sed that outlives a killed run still changes files: its process id keeps the lock alive.
watched() {
  "$@" &
  watched_child=$!
  echo "$watched_child" >"$lock/child" || {
    wait "$watched_child"
    return 1
  }
  wait "$watched_child"
}

# ---------------------------------------------------------------------------------------------- finding files

# Prints the YAML files (".//flux/...") in which the pattern occurs. Symbolic links are not followed.
# usage: search PATTERN_FILE
search() {
  case $(grep --version 2>/dev/null) in
  *"(GNU grep)"*)
    grep -r -l -E -f "$1" --include='*.yaml' --include='*.yml' --exclude-dir=.backups ".//$tree"
    ;;
  *)
    # grep gives 1 when it finds nothing, and find would pass that on: only what went wrong is to count.
    # shellcheck disable=SC2016
    find ".//$tree" -path ".//$backups" -prune -o -type f \( -name '*.yaml' -o -name '*.yml' \) \
      -exec sh -c 'grep -l -E -f "$0" "$@" || [ $? -eq 1 ]' "$1" {} + || return 2
    ;;
  esac
  [ $? -le 1 ]
}

# Sorts the files found into new ones (never configured) and known ones (in the record).
classify() {
  problem=$(awk -v run="$run" -v record="$record" "$awk_functions"'
    BEGIN {
      read_record(record, values, files)
      if (damaged != "") {
        print record ": this line cannot be read: \"" damaged "\"; resolve the merge conflict or restore the file from Git"
        exit 1
      }
      n = read_paths(run "/found", path)
      printf "" > (run "/new.list")
      printf "" > (run "/fresh.list")
      for (i = 1; i <= n; i++) {
        if (path[i] in files) {
          known[++k] = quote(path[i]) " " quote(files[path[i]])
          continue
        }
        if (path[i] ~ /^flux\/\.(run|lock)\//) {
          split(path[i], name, "/")
          print "flux/" name[2] ": a folder of this name has no place for originals in " directory_of(record) "; rename it"
          exit 1
        }
        fresh[++f] = quote(".//" path[i])
        print escape(path[i]) > (run "/new.list")
        backup = backup_of(path[i])
        if ((getline line < backup) < 0) {
          print escape(path[i]) > (run "/fresh.list")
          directory = directory_of(backup)
          if (!(directory in seen)) { seen[directory] = 1; directories[++d] = quote(directory) }
          copies[++c] = quote(".//" backup)
          wanted[backup] = path[i]
          originals[c] = fresh[f]
        } else close(backup)
      }
      for (backup in wanted)
        for (directory = directory_of(backup); length(directory) > 13; directory = directory_of(directory))
          if (directory in wanted) {
            print wanted[directory] ".orig: is a folder, and the original of " wanted[directory] " is to have its name in " \
              "flux/.backups; rename it"
            exit 1
          }
      print_calls(run "/new.calls", fresh, f, 500)
      print_calls(run "/known.calls", known, k, 1)
      print_calls(run "/directories.calls", directories, d, 500)
      print_calls(run "/originals.calls", originals, c, 500)
      print_calls(run "/copies.calls", copies, c, 500)
    }' && check_room) || fail "${problem:-$record or $run: cannot be read or written; free disk space or make $backups writable, then run again}"
}

# ---------------------------------------------------------------------------------------------------- backups

refuse_unsafe() {
  link=$(find "$backups" -type l -print | head -n 1)
  [ -z "$link" ] || fail "$link: is a symbolic link, so backups could end up elsewhere; remove it"
  empty "$run/read-only"
  empty "$run/for-cp"
  # Nearly always there are none, and one look at all files is enough.
  over "$run/new.calls" find_special >"$run/special" || fail "$tree/: permissions cannot be read (see above), nothing was changed; free disk space or fix them, then run again"
  check_room
  [ -s "$run/special" ] || return 0
  over "$run/new.calls" find_read_only >"$run/read-only" || fail "$tree/: permissions cannot be read (see above), nothing was changed; free disk space or fix them, then run again"
  first=$(awk "$awk_functions"'BEGIN { if (read_paths(ARGV[1], list)) print list[1] }' "$run/read-only")
  [ -z "$first" ] || fail "$first: is read-only, nothing was changed; make it writable (chmod u+w) and run again"
  check_room
  over "$run/originals.calls" find_for_cp >"$run/for-cp" || fail "$tree/: permissions cannot be read (see above), nothing was changed; free disk space or fix them, then run again"
}
find_special() { find "$@" \( ! -perm -200 -o ! -perm -044 -o -size +2048 \) -print; }
find_read_only() { find "$@" ! -perm -200 -print; }
# Files that others must not read, and those over 1 MB, which awk would hold in memory.
find_for_cp() { find "$@" \( ! -perm -044 -o -size +2048 \) -print; }

# Copies the original of every file in fresh.list. One awk copies most of them, 2,000 copies by cp would take
# seconds; every copy is compared with its original, and what awk can't copy exactly (bytes 0 and 1) goes through
# cp, as do private and large files.
back_up() {
  [ -s "$run/fresh.list" ] || return 0
  over "$run/directories.calls" mkdir -p || fail "$backups: folders cannot be created, nothing was changed; free disk space or make it writable, then run again"
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_lines(run "/fresh.list", path)
      m = read_paths(run "/for-cp", left)
      for (i = 1; i <= m; i++) skip[left[i]] = 1
      RS = "\001"
      for (i = 1; i <= n; i++) {
        if (path[i] in skip) continue
        backup = backup_of(path[i])
        printf "" > backup
        while ((getline text < path[i]) > 0) printf "%s", text > backup
        close(path[i])
        close(backup)
      }
    }' 2>/dev/null
  over "$run/originals.calls" cksum >"$run/originals.sums" || fail "$tree/: files cannot be read (see above), nothing was changed; free disk space or fix the permissions, then run again"
  over "$run/copies.calls" cksum >"$run/copies.sums" 2>/dev/null
  check_room
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_lines(run "/fresh.list", path)
      read_sums(run "/originals.sums", original)
      read_sums(run "/copies.sums", copy)
      for (i = 1; i <= n; i++)
        if (!(backup_of(path[i]) in copy) || copy[backup_of(path[i])] != original[path[i]])
          words[++w] = quote(path[i]) " " quote(backup_of(path[i]))
      print_calls(run "/failed.calls", words, w, 1)
    }' || fail_to_write
  check_room
  over "$run/failed.calls" copy_one || exit 1
}

copy_one() {
  rm -f "$2"
  if cp -p "$1" "$2" && cmp -s "$1" "$2"; then return 0; fi
  fail "$1: its original cannot be copied to $2, nothing was changed; free disk space or fix the permissions, then run again"
}

# Removes the backups that a run had begun but not finished; no file was changed yet at that point.
drop_unfinished_backups() {
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_lines(run "/fresh.list", path)
      for (i = 1; i <= n; i++) words[i] = quote(backup_of(path[i]))
      print_calls(run "/unfinished.calls", words, n, 500)
    }' || fail_to_write
  over "$run/unfinished.calls" rm -f || fail "$backups: unfinished backups cannot be removed"
  # Folders that the unfinished run made; rmdir leaves those that hold something.
  find "$backups" -depth -type d ! -path "$run" ! -path "$run/*" ! -path "$lock" ! -path "$lock/*" \
    -exec rmdir {} + 2>/dev/null
  return 0
}

# --------------------------------------------------------------------------------------------------- changing

# True for GNU's sed: in place it is atomic per file, adds no line end, and tells when the disk is full. Busybox's does not:
# it would leave a file cut off.
edits_in_place() {
  case $(sed --version </dev/null 2>/dev/null) in
  *"(GNU sed)"* | "GNU sed version"*) return 0 ;;
  *) return 1 ;;
  esac
}

# True when this sed ends the last line of a file that does not end it itself; asked once a run.
line_end_added=
adds_line_end() {
  if [ -z "$line_end_added" ]; then
    printf 'a' >"$run/line-end" || fail_to_write
    if [ "$(sed 's/a/a/' "$run/line-end" | wc -c)" -eq 1 ]; then line_end_added=no; else line_end_added=yes; fi
  fi
  [ "$line_end_added" = yes ]
}

# Writes the file as the sed script makes it to $run/new, without a final line end that the file does not have.
# usage: render SCRIPT FILE
render() {
  watched sed -E -f "$1" "$2" >"$run/new" || return 1
  check_room
  if [ -s "$2" ] && adds_line_end && [ "$(tail -c 1 "$2" | tr -d '\n' | wc -c)" -ne 0 ]; then
    size=$(wc -c <"$run/new") && head -c "$((size - 1))" "$run/new" >"$run/shorter" && check_room && mv -f "$run/shorter" "$run/new"
  fi
}

# Puts $run/new in the place of the file, in one step and with the file's mode.
install_new() {
  cp -p "$1" "$run/out" && cat "$run/new" >"$run/out" && mv -f "$run/out" "$1" && return 0
  fail "${1#.//}: cannot be written, it is unchanged; free disk space or fix the permissions of its folder, then run again"
}

change_one() {
  for file in "$@"; do
    render "$run/main.sed" "$file" || fail "${file#.//}: sed failed (see above), the file is unchanged; free disk \
space or fix its permissions, then run again"
    install_new "$file"
  done
}

change_new() {
  [ -s "$run/new.list" ] || return 0
  if ! edits_in_place; then
    over "$run/new.calls" change_one
    return
  fi
  over "$run/new.calls" watched sed -E -i -f "$run/main.sed" && return 0
  first=$(over "$run/new.calls" first_unchanged)
  first=${first#.//}
  fail "${first:-$tree/}: cannot be written (see sed's message above); its original is untouched, files before it \
are done; free disk space or fix the permissions of its folder, then run again"
}
# Ends with 1 where it finds one, which ends the list.
first_unchanged() {
  for file in "$@"; do
    if cmp -s "$file" "$backups/${file#.//"$tree"/}.orig"; then
      printf '%s' "$file"
      return 1
    fi
  done
}

# A file of the record is searched again only when it was edited since, and then without the placeholders that
# the values resemble: what was written can't be told from what is to be replaced.
# usage: change_known FILE "CHECKSUM<TAB>SIZE"
change_known() {
  [ "$(sum_of "$1")" != "$2" ] || return 0
  if cmp -s "$1" "$backups/${1#"$tree"/}.orig"; then
    # Put back by hand or by a restore that was killed: as good as new.
    rewrite "$run/main.sed" "$1"
  else
    rewrite "$run/settled.sed" "$1"
  fi
}

sum_of() { cksum <"$1" 2>/dev/null | awk '{ print $1 "\t" $2 }'; }

# Writes a file that has a backup already. What it will be is in the journal before it is there, so that the next
# run knows whether it got there.
# usage: rewrite SCRIPT FILE [SOURCE]
rewrite() {
  render "$1" "${3:-$2}" || fail "$2: sed failed (see above), the file is unchanged; free disk space or fix its \
permissions, then run again"
  ! cmp -s "$run/new" "$2" || return 0
  [ -z "$(find ".//$2" ! -perm -200 -print)" ] ||
    fail "$2: is read-only and unchanged; make it writable (chmod u+w) and run again"
  sum=$(sum_of "$run/new")
  # The line end comes first: what a killed run left last in the journal may be half a line.
  awk -v sum="$sum" "$awk_functions"'BEGIN { print "\n" escape(ARGV[1]) "\t" sum }' "$2" >>"$run/written" ||
    fail "$run/written: cannot be written; free disk space or make $backups writable, then run again"
  check_room
  install_new "$2"
}

# A value that differs from the one written last is carried out in the files of the record whose originals hold
# its placeholder. A file nobody touched since is made anew from its original. In an edited one the old value is
# replaced as a whole token, unless the original holds that text for another reason or two placeholders had the
# same value: then the place is left alone and named.
update_values() {
  [ -f "$record" ] || return 0
  awk -v run="$run" -v record="$record" "$awk_functions"'
    BEGIN {
      FS = "\t"
      read_record(record, old, files)
      while ((getline line < (run "/all")) > 0) { split(line, pair, "\t"); now[pair[1]] = pair[2] }
      printf "" > (run "/old.pairs"); printf "" > (run "/changed.pairs"); printf "" > (run "/update.candidates")
      for (p in old) {
        print p "\t" old[p] > (run "/old.pairs")
        if (!(p in now) || now[p] == old[p]) continue
        print p "\t" now[p] > (run "/changed.pairs")
        changed = 1
      }
      for (p in old) {
        to = (p in now) ? now[p] : old[p]
        if ((old[p] in target) && target[old[p]] != to) unclear[old[p]] = 1
        target[old[p]] = to
      }
      for (v in target) {
        if (v !~ /^[A-Za-z0-9]/ || v !~ /[A-Za-z0-9]$/) unclear[v] = 1
        print v "\t" target[v] "\t" (v in unclear) > (run "/update.candidates")
      }
      for (path in files) words[++n] = quote(".//" backup_of(path))
      print_calls(run "/recorded.calls", words, changed ? n : 0, 500)
    }' || fail_to_write
  [ -s "$run/changed.pairs" ] || return 0
  { compile "$run/old.pairs" "$run/old" && compile "$run/changed.pairs" "$run/changed"; } ||
    fail_to_write
  over "$run/recorded.calls" grep_changed >"$run/outdated" || fail_to_write
  check_room
  touch "$run/written" || fail_to_write
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_paths(run "/outdated", backup)
      for (i = 1; i <= n; i++) words[i] = quote(live_of(backup[i])) " " quote(backup[i])
      print_calls(run "/outdated.calls", words, n, 1)
    }' || fail_to_write
  check_room
  over "$run/outdated.calls" update_one
}
grep_changed() { grep -l -E -f "$run/changed.pattern" "$@" 2>/dev/null || [ $? -eq 1 ]; }

# usage: update_one FILE BACKUP
update_one() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  sum=$(sum_of "$1")
  # A run that was killed may have got here before.
  [ -z "$(awk -v sum="$sum" "$awk_functions"'
    BEGIN { while ((getline line < ARGV[1]) > 0) if (line == escape(ARGV[2]) "\t" sum) { print "done"; exit } }' \
    "$run/written" "$1")" ] || return 0
  render "$run/old.sed" "$2" || fail "$2: sed failed (see above); nothing was changed in $1"
  if cmp -s "$run/new" "$1"; then
    rewrite "$run/main.sed" "$1" "$2"
    return
  fi
  # Values that stay are in the table too, as themselves, so that a value inside a longer one is not found there.
  empty "$run/update.pairs"
  while IFS='	' read -r from to unclear; do
    { printf '%s\t%s\n' "$from" "$to" >"$run/one.pairs" && compile "$run/one.pairs" "$run/one"; } || fail_to_write
    check_room
    if [ "$from" != "$to" ] && { [ "$unclear" = 1 ] || grep -q -E -f "$run/one.pattern" "$2"; }; then
      if grep -q -E -f "$run/one.pattern" "$1"; then
        echo "$1: was edited, and \"$from\" in it may be yours; look at it and write \"$to\" where it is meant"
      fi
      to=$from
    fi
    [ "$unclear" = 1 ] || printf '%s\t%s\n' "$from" "$to" >>"$run/update.pairs" || fail_to_write
  done <"$run/update.candidates"
  compile "$run/update.pairs" "$run/update" || fail_to_write
  check_room
  rewrite "$run/update.sed" "$1"
}

# ----------------------------------------------------------------------------------------------------- record

# True when the record holds no other value for a placeholder than the table.
values_settled() {
  [ -f "$record" ] || return 0
  awk 'BEGIN { FS = "\t" }
    FILENAME == ARGV[1] { now[$1] = $2; next }
    $1 == "file" { exit changed }
    $1 == "value" { sub(/\r$/, ""); if (($2 in now) && now[$2] != $3) changed = 1 }
    $1 != "value" && $0 != "" && $0 !~ /^#/ { changed = 1 }
    END { exit changed }' "$run/all" "$record"
}

# usage: write_record KEEP_VALUES   (yes: the values in the record stay, a run that was killed is being finished)
write_record() {
  touch "$run/new.sums" "$run/written" "$run/live.sums" || fail_to_write
  awk -v run="$run" -v record="$record" -v keep="$1" "$awk_functions"'
    BEGIN {
      read_record(record, values, files)
      while ((getline line < (run "/all")) > 0) {
        split(line, pair, "\t")
        if (keep == "yes" && (pair[1] in values)) continue
        if (pair[1] != pair[2]) values[pair[1]] = pair[2]
        else delete values[pair[1]]
      }
      read_sums(run "/new.sums", sums)
      for (path in sums) files[path] = sums[path]
      read_sums(run "/live.sums", live)
      while ((getline line < (run "/written")) > 0) {
        if (split(line, part, "\t") != 3) continue
        path = unescape(part[1])
        if (!(path in live) || live[path] == part[2] "\t" part[3]) files[path] = part[2] "\t" part[3]
      }
      for (p in values) print "value\t" p "\t" values[p]
      for (path in files) print "file\t" escape(path) "\t" files[path]
    }' >"$run/record.unsorted" || record_failed
  check_room
  sort "$run/record.unsorted" >"$run/record.lines" || record_failed
  {
    echo "# Written by the static configuration; commit it together with flux/. Values last written, then"
    echo "# path, checksum (POSIX cksum) and size of every file as it was last written."
    sed -n '/^value/p' "$run/record.lines"
    sed -n '/^file/p' "$run/record.lines"
  } >"$run/record" || record_failed
  [ "$(wc -l <"$run/record")" -eq "$(($(wc -l <"$run/record.unsorted") + 2))" ] || record_failed
  cmp -s "$run/record" "$record" 2>/dev/null || mv -f "$run/record" "$record" || record_failed
}
record_failed() {
  fail "$record: cannot be written, the files themselves are done; free disk space or fix the permissions of \
$backups and run again"
}

# What the journal says was written, as it stands now.
sum_written() {
  touch "$run/written" || fail_to_write
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      while ((getline line < (run "/written")) > 0)
        if (split(line, part, "\t") == 3) words[++n] = quote(".//" unescape(part[1]))
      print_calls(run "/written.calls", words, n, 500)
    }' || fail_to_write
  over "$run/written.calls" cksum_existing >"$run/live.sums" || fail_to_write
  check_room
}
cksum_existing() {
  cksum "$@" 2>/dev/null
  return 0
}

set_state() {
  { printf '%s\n' "$1" >"$run/state.new" && mv -f "$run/state.new" "$run/state"; } || fail_to_write
}

clear_run() {
  # The state goes first: a run killed in here has nothing to finish.
  { { [ ! -e "$run/state" ] || rm -f "$run/state"; } && rm -rf "$run"; } || fail "$run: cannot be removed; remove it by hand"
}

# Finishes what a killed run began, with that run's own values.
resume() {
  state=
  { read -r state <"$run/state"; } 2>/dev/null
  case $state in
  backup) drop_unfinished_backups ;;
  change)
    echo "finishing an interrupted static configuration"
    remove_strays
    settle_new
    sum_written
    write_record yes
    over "$run/known.calls" change_known
    update_values
    sum_written
    write_record no
    ;;
  esac
  clear_run
}

# New files that the killed run changed: they differ from their backups, and what was written is what sed makes of
# the backup, whether or not somebody edited the file in the meantime.
settle_new() {
  empty "$run/new.sums"
  over "$run/new.calls" settle_some
}
settle_some() {
  for file in "$@"; do
    path=${file#.//}
    backup=$backups/${path#"$tree"/}.orig
    if [ ! -f "$path" ] || [ ! -f "$backup" ] || cmp -s "$path" "$backup"; then continue; fi
    render "$run/main.sed" "$backup" || fail "$path: sed failed (see above); free disk space and run again"
    printf '%s %s\n' "$(cksum <"$run/new")" "$file" >>"$run/new.sums" ||
      fail "$run/new.sums: cannot be written; free disk space or make $backups writable, then run again"
  done
}

# A killed `sed -i` leaves its temporary file beside the file it was writing: sedXXXXXX (GNU) or
# <name>XXXXXX (busybox). Only one whose bytes begin what sed was about to write is removed.
remove_strays() {
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_lines(run "/new.list", path)
      for (i = 1; i <= n; i++)
        if (!((directory = directory_of(path[i])) in seen)) { seen[directory] = 1; words[++w] = quote(".//" directory) }
      print_calls(run "/stray.calls", words, w, 200)
    }' || fail_to_write
  over "$run/stray.calls" find_strays >"$run/strays"
  awk -v run="$run" "$awk_functions"'
    BEGIN {
      n = read_paths(run "/strays", path)
      for (i = 1; i <= n; i++) words[i] = quote(path[i])
      print_calls(run "/strays.calls", words, n, 1)
    }' || fail_to_write
  over "$run/strays.calls" remove_stray
}
find_strays() {
  for directory in "$@"; do
    find "$directory/." ! -name . -prune -type f \( -name 'sed??????' -o -name '*.yaml??????' -o -name '*.yml??????' \) \
      -newer "$run/state" -print | sed 's|/\./|/|'
  done
}
remove_stray() {
  for file in "${1%/*}"/*.yaml "${1%/*}"/*.yml "${1%/*}"/.*.yaml "${1%/*}"/.*.yml; do
    original=$backups/${file#"$tree"/}.orig
    { [ -f "$original" ] && render "$run/main.sed" "$original"; } || continue
    size=$(wc -c <"$1")
    if head -c "$((size))" "$run/new" | cmp -s - "$1"; then
      rm -f "$1"
      return 0
    fi
  done
  return 0
}

# ------------------------------------------------------------------------------------------------------- main

[ -n "${REPLACEMENTS+set}" ] || fail "REPLACEMENTS is not set; run it through deploy, which hands over the table"
[ ! -L "$tree" ] || fail "$tree: is a symbolic link; the static configuration changes files only inside the project"
[ -d "$tree" ] || fail "$tree: no such folder in $(pwd); run it in the project's folder"
[ ! -L "$backups" ] || fail "$backups: is a symbolic link, so backups could end up elsewhere; remove it"
[ -d "$backups" ] || mkdir "$backups" 2>/dev/null || [ -d "$backups" ] ||
  fail "$backups: cannot be created; free disk space or make $tree writable, then run again"

trap release EXIT
# A sed that is at work is waited for: the lock must not be given back while it changes files.
trap 'wait; exit 129' HUP
trap 'wait; exit 130' INT
trap 'wait; exit 143' TERM
take_lock

[ ! -d "$run" ] || resume
mkdir "$run" || fail "$run: cannot be created; free disk space or make $backups writable, then run again"
problem=$(read_replacements) || {
  clear_run
  fail "${problem:-$run/table: cannot be written; free disk space or make $backups writable, then run again}"
}
compile "$run/table" "$run/main" || fail_to_write
check_room
if [ ! -s "$run/table" ] && values_settled; then
  clear_run
  echo "static configuration: nothing to replace, every value equals its placeholder"
  exit 0
fi

if [ -s "$run/table" ]; then search "$run/main.pattern"; fi >"$run/found" || fail "$tree/: cannot be searched (see above), nothing was changed; \
free disk space or fix the permissions, then run again"
check_room
if [ ! -s "$run/found" ] && values_settled; then
  clear_run
  echo "static configuration: nothing left to replace"
  exit 0
fi
classify
if [ -s "$run/new.list" ]; then
  refuse_unsafe
  set_state backup
  back_up
fi
awk -v run="$run" -v record="$record" "$awk_functions"'
  BEGIN {
    read_record(record, values, files)
    while ((getline line < (run "/table")) > 0) { split(line, pair, "\t"); now[pair[1]] = pair[2]; all[pair[2]] = 1 }
    for (p in values) all[values[p]] = 1
    printf "" > (run "/settled.pairs")
    for (p in now) {
      clear = 1
      for (v in all) if (v != "" && (index(v, p) || index(p, v))) clear = 0
      if (clear) print p "\t" now[p] > (run "/settled.pairs")
    }
  }' || fail_to_write
compile "$run/settled.pairs" "$run/settled" || fail_to_write
check_room
set_state change
change_new
over "$run/new.calls" cksum >"$run/new.sums" || fail "$tree/: files cannot be read (see above); free disk space or fix the permissions, then run again"
check_room
over "$run/known.calls" change_known
update_values
if [ -s "$run/new.sums" ] || [ -s "$run/written" ] || [ -s "$run/changed.pairs" ]; then
  sum_written
  write_record no
fi
awk -v run="$run" "$awk_functions"'
  BEGIN {
    while ((getline line < (run "/new.list")) > 0) print line " configured"
    while ((getline line < (run "/written")) > 0)
      if (split(line, part, "\t") == 3) print part[1] " configured"
  }' | sort >"$run/report" || fail_to_write
check_room
cat "$run/report"
count=$(($(wc -l <"$run/report")))
case $count in
0) echo "static configuration: nothing left to replace" ;;
1) echo "static configuration: 1 file configured; its original is in $backups, commit both" ;;
*) echo "static configuration: $count files configured; their originals are in $backups, commit both" ;;
esac
clear_run
