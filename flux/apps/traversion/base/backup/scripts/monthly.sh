#!/bin/sh
# The monthly archive: keeps the newest dump for a year. The weekly backup carries it to the cloud as well.
#   ARCHIVES_KEPT   how many months stay
set -eu
. "${SCRIPTS:-/scripts}/common.sh"

mkdir -p "$backups/archive"
remove_partial

dump=$(newest "$backups/dumps")
[ -n "$dump" ] || fail "there is no dump in $backups/dumps: has the daily backup run?"
# -mtime -2: changed less than two days ago
[ -n "$(find "$dump" -mtime -2)" ] || fail "the newest dump, $dump, is older than two days: see why the daily backup fails"

month=$(date -u +%Y-%m)
# A hard link takes no space of its own as long as the dump is kept too.
ln -f "$dump" "$backups/archive/$month.dump"
log "archive/$month.dump is $dump"
keep_newest "$backups/archive" "$ARCHIVES_KEPT"
