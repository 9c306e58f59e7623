#!/bin/sh
# The hourly incremental backup: what has changed since the backup before it, full or incremental.
#   PGHOST, PGUSER, PGPASSWORD, PGDATABASE   the database
#   CHAINS_KEPT                              how many chains stay when a new one begins
set -eu
. "${SCRIPTS:-/scripts}/common.sh"

mkdir -p "$backups/chains"
remove_partial

# The manifest of a backup says which database it is of: a database that was created anew has another identifier.
same_database() {
  identifier=$(psql --no-psqlrc --no-align --tuples-only --no-password \
    --command='SELECT system_identifier FROM pg_control_system()') || fail "the database does not answer"
  grep -q "\"System-Identifier\": ${identifier}[,}]" "$1"
}

chain=$(newest "$backups/chains")
if [ -z "$chain" ]; then
  log "there is no full backup to build on yet: takes one"
  start_chain
  exit 0
fi
previous=$(newest "$chain")
if [ -e "$new_chain_marker" ]; then
  log "the database was restored since $previous: takes a full backup"
  start_chain
  exit 0
fi
if ! same_database "$previous/backup_manifest"; then
  log "$previous is of another database: takes a full backup"
  start_chain
  exit 0
fi

time=$(timestamp)
partial=$chain/.partial-$time
copy_database "$partial" --incremental="$previous/backup_manifest" --label="incremental $time"
mv "$partial" "$chain/$time-incremental"
log "incremental backup $chain/$time-incremental: $(du -sh "$chain/$time-incremental" | cut -f 1)"
