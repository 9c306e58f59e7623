#!/bin/sh
# The daily full backup: a physical one, which the hourly ones build on, and a dump, which any newer version can read.
#   PGHOST, PGUSER, PGPASSWORD, PGDATABASE   the database
#   CHAINS_KEPT, DUMPS_KEPT                  how many of each stay
set -eu
. "${SCRIPTS:-/scripts}/common.sh"

mkdir -p "$backups/chains" "$backups/dumps"
remove_partial

start_chain

time=$(timestamp)
partial=$backups/dumps/.partial-$time
pg_dump --format=custom --no-password --file="$partial"
# Reads the table of contents: a dump that was cut off has none.
pg_restore --list "$partial" >/dev/null || fail "the dump is damaged"
mv "$partial" "$backups/dumps/$time.dump"
log "dump dumps/$time.dump: $(du -h "$backups/dumps/$time.dump" | cut -f 1)"
keep_newest "$backups/dumps" "$DUMPS_KEPT"
