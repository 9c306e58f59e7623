#!/bin/sh
# The weekly backup to cloud storage: the newest dump and the monthly archives, into a bucket that S3's API reaches.
#   BUCKET, ENDPOINT, ACCESS_KEY_ID, SECRET_ACCESS_KEY   the bucket; without them nothing is done
#   CLUSTER                                              first part of the names in the bucket
#   CLOUD_DAYS_KEPT                                      days after which a weekly dump is deleted there
set -eu
. "${SCRIPTS:-/scripts}/common.sh"

if [ -z "${BUCKET:-}" ] && [ -z "${ACCESS_KEY_ID:-}" ] && [ -z "${SECRET_ACCESS_KEY:-}" ]; then
  log "no cloud storage is given: nothing to do. docs/runbooks/traversion-restore.md says how to give one"
  exit 0
fi
for setting in BUCKET ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY; do
  eval "value=\${$setting:-}"
  [ -n "$value" ] || fail "$setting is missing in the secret traversion-backup-cloud: give all of bucket, endpoint and keys"
done

dump=$(newest "$backups/dumps")
[ -n "$dump" ] || fail "there is no dump in $backups/dumps: has the daily backup run?"
[ -n "$(find "$dump" -mtime -2)" ] || fail "the newest dump, $dump, is older than two days: see why the daily backup fails"

# rclone takes a storage's settings from its environment, so that no key is in a file or an argument.
export RCLONE_CONFIG_CLOUD_TYPE=s3
export RCLONE_CONFIG_CLOUD_PROVIDER=DigitalOcean
export RCLONE_CONFIG_CLOUD_ENDPOINT="$ENDPOINT"
export RCLONE_CONFIG_CLOUD_ACCESS_KEY_ID="$ACCESS_KEY_ID"
export RCLONE_CONFIG_CLOUD_SECRET_ACCESS_KEY="$SECRET_ACCESS_KEY"
export RCLONE_CONFIG_CLOUD_ACL=private
# The key may be one for this bucket alone, which can't list or create others.
export RCLONE_CONFIG_CLOUD_NO_CHECK_BUCKET=true

target=cloud:$BUCKET/$CLUSTER
rclone copyto "$dump" "$target/weekly/$(basename "$dump")" --checksum
if [ -n "$(newest "$backups/archive")" ]; then
  rclone copy "$backups/archive" "$target/archive" --checksum --exclude ".partial-*"
fi
rclone delete "$target/weekly" --min-age "${CLOUD_DAYS_KEPT}d"
log "$dump and the archive are in $BUCKET/$CLUSTER"
