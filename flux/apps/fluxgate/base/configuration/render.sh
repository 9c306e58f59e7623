#!/bin/sh
# Writes a configuration file: a template with the values of environment variables in place of @NAME@.
# Usage: render.sh <template> <file>
#
# A value stands inside a basic string of TOML, so quotation marks and backslashes in it are escaped. awk replaces
# text and not patterns, so no character of a password means anything else.
set -eu
umask 027

awk '
  function fail(reason) {
    print "render.sh: " FILENAME ":" FNR ": " reason > "/dev/stderr"
    failed = 1
    exit 1
  }
  function escaped(name, value, result, position, character) {
    if (!(name in ENVIRON)) fail("no environment variable " name ", which @" name "@ stands for")
    value = ENVIRON[name]
    if (value ~ /[[:cntrl:]]/) fail("the value of " name " has a control character, such as a line break")
    result = ""
    for (position = 1; position <= length(value); position++) {
      character = substr(value, position, 1)
      result = result (character == "\\" || character == "\"" ? "\\" : "") character
    }
    return result
  }
  {
    line = ""
    rest = $0
    while (match(rest, /@[A-Z][A-Z_]*@/)) {
      line = line substr(rest, 1, RSTART - 1) escaped(substr(rest, RSTART + 1, RLENGTH - 2))
      rest = substr(rest, RSTART + RLENGTH)
    }
    print line rest
  }
  END { if (failed) exit 1 }
' "$1" > "$2"
