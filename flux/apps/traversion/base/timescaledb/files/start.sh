#!/bin/sh
# Starts the database with memory settings that follow the container's limit, so that a new size of the nodes changes them.
#   MEMORY_MIB  the limit in MiB
set -eu

case ${MEMORY_MIB:-} in
  '' | *[!0-9]*)
    echo "MEMORY_MIB is '${MEMORY_MIB:-}': expected the container's memory limit as a number of MiB" >&2
    exit 1
    ;;
esac
if [ "$MEMORY_MIB" -lt 256 ]; then
  echo "MEMORY_MIB is $MEMORY_MIB: the database needs at least 256; give it a larger profile" >&2
  exit 1
fi

# A quarter for PostgreSQL's own cache and half for the system's are PostgreSQL's usual starting point. The rest is for
# connections, of which few sort at a time.
shared_buffers=$((MEMORY_MIB / 4))
effective_cache_size=$((MEMORY_MIB / 2))
maintenance_work_mem=$((MEMORY_MIB / 16))
work_mem_kib=$((MEMORY_MIB * 1024 / 512))
if [ "$work_mem_kib" -lt 2048 ]; then work_mem_kib=2048; fi

exec docker-entrypoint.sh postgres \
  -c config_file=/etc/postgresql/postgresql.conf \
  -c shared_buffers="${shared_buffers}MB" \
  -c effective_cache_size="${effective_cache_size}MB" \
  -c maintenance_work_mem="${maintenance_work_mem}MB" \
  -c work_mem="${work_mem_kib}kB"
