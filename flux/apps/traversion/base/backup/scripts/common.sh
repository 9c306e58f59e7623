# shellcheck shell=sh
# What the backup scripts share. On the backup volume:
#   chains/<time>/<time>-full, <time>-incremental …   physical backups, each built on the one before it
#   dumps/<time>.dump                                 logical backups of pg_dump
#   archive/<year>-<month>.dump                       one dump of each month
# Times are UTC and sort by name. What is being written has a name that begins with .partial.

backups=${BACKUP_DIRECTORY:-/backups}
# Exists when the next physical backup must not build on older ones.
new_chain_marker=$backups/chains/.start-new-chain

log() {
  printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"
}

fail() {
  log "error: $*" >&2
  exit 1
}

timestamp() {
  date -u +%Y%m%dT%H%M%SZ
}

# What is in a folder, oldest first; nothing when there is nothing.
entries() {
  for entry in "$1"/*; do
    if [ -e "$entry" ]; then printf '%s\n' "$entry"; fi
  done
}

newest() {
  entries "$1" | tail -n 1
}

# Removes the oldest entries of a folder until the given number is left.
keep_newest() {
  surplus=$(($(entries "$1" | wc -l) - $2))
  if [ "$surplus" -le 0 ]; then return 0; fi
  entries "$1" | head -n "$surplus" | while IFS= read -r entry; do
    log "removes $entry: the newest $2 are kept"
    rm -rf "$entry"
  done
}

# What a killed run has left behind.
remove_partial() {
  for partial in "$backups"/*/.partial-* "$backups"/chains/*/.partial-*; do
    if [ -e "$partial" ]; then
      log "removes $partial, which was never finished"
      rm -rf "$partial"
    fi
  done
}

# A physical backup into a folder: base.tar.gz, pg_wal.tar.gz and backup_manifest. More arguments go to pg_basebackup.
copy_database() {
  target=$1
  shift
  pg_basebackup --pgdata="$target" --format=tar --compress=client-gzip:1 --wal-method=stream --checkpoint=fast \
    --no-password "$@"
  for file in base.tar.gz pg_wal.tar.gz; do
    gzip -t "$target/$file" || fail "$target/$file is damaged"
  done
  [ -s "$target/backup_manifest" ] || fail "$target has no backup_manifest"
}

# A full backup, which begins a chain.
start_chain() {
  time=$(timestamp)
  partial=$backups/chains/.partial-$time
  mkdir -p "$partial"
  copy_database "$partial/$time-full" --label="full $time"
  mv "$partial" "$backups/chains/$time"
  rm -f "$new_chain_marker"
  log "full backup chains/$time/$time-full: $(du -sh "$backups/chains/$time" | cut -f 1)"
  keep_newest "$backups/chains" "$CHAINS_KEPT"
}
