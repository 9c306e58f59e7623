#!/bin/sh
# Puts a chain of physical backups into the database's volume. The database must be scaled to 0.
#   RESTORE_TO   latest, or the name of a backup: 20260131T144500Z-incremental
#   KEEP_OLD     yes (default): the old data stays beside the restored; no: it is deleted first, to make room
# The procedure around it: docs/runbooks/traversion-restore.md
set -eu
. "${SCRIPTS:-/scripts}/common.sh"

data=${DATA_DIRECTORY:-/var/lib/postgresql/data}
scratch=${SCRATCH_DIRECTORY:-/scratch}
restore_to=${RESTORE_TO:-latest}
keep_old=${KEEP_OLD:-yes}

case $keep_old in
  yes | no) ;;
  *) fail "KEEP_OLD is '$keep_old': expected yes or no" ;;
esac

# The chain that ends with the wanted backup, one backup a line.
wanted_backups() {
  if [ "$restore_to" = latest ]; then
    entries "$(newest "$backups/chains")"
    return 0
  fi
  for chain in "$backups"/chains/*; do
    if [ ! -e "$chain/$restore_to" ]; then continue; fi
    entries "$chain" | while IFS= read -r backup; do
      printf '%s\n' "$backup"
      if [ "$backup" = "$chain/$restore_to" ]; then break; fi
    done
  done
}

[ -n "$(newest "$backups/chains")" ] || fail "there is no chain in $backups/chains: restore a dump instead"
list=$(wanted_backups)
[ -n "$list" ] || fail "there is no backup $restore_to; there are: $(for chain in "$backups"/chains/*; do
  entries "$chain"
done | sed 's|.*/||' | tr '\n' ' ')"

# All checks before any change. A server that was killed leaves its file too, so its age says nothing.
if [ -e "$data/pgdata/postmaster.pid" ] && [ "${SERVER_IS_STOPPED:-no}" != yes ]; then
  fail "$data/pgdata/postmaster.pid exists: scale the database to 0 first. If it is and was killed, set SERVER_IS_STOPPED=yes"
fi

rm -rf "$scratch/chain" "$data/pgdata.restoring"
mkdir -p "$scratch/chain"
# The words of $@ become the unpacked backups, full one first.
set --
old_separator=$IFS
IFS='
'
for backup in $list; do
  unpacked=$scratch/chain/$(basename "$backup")
  log "unpacks $backup"
  mkdir -p "$unpacked/pg_wal"
  tar -xzf "$backup/base.tar.gz" -C "$unpacked"
  tar -xzf "$backup/pg_wal.tar.gz" -C "$unpacked/pg_wal"
  cp "$backup/backup_manifest" "$unpacked/backup_manifest"
  chmod 700 "$unpacked"
  set -- "$@" "$unpacked"
done
IFS=$old_separator

if [ "$keep_old" = no ] && [ -e "$data/pgdata" ]; then
  log "deletes $data/pgdata to make room"
  rm -rf "$data/pgdata"
fi

log "combines $# backups"
pg_combinebackup --output="$data/pgdata.restoring" "$@"
pg_verifybackup --quiet "$data/pgdata.restoring"
chmod 700 "$data/pgdata.restoring"

# What is written from now on does not follow from the newest backups, whatever its position in the log says.
mkdir -p "$backups/chains"
: >"$new_chain_marker"
if [ -e "$data/pgdata" ]; then
  old=$data/pgdata.before-$(timestamp)
  mv "$data/pgdata" "$old"
  log "the old data is in $old: delete it when the restored database is right"
fi
mv "$data/pgdata.restoring" "$data/pgdata"
rm -rf "$scratch/chain"
log "restored: $(printf '%s\n' "$list" | tail -n 1)"
