#!/bin/sh
# Starts Redis with a memory bound that follows the container's limit.
#   MEMORY_MIB  the limit in MiB
set -eu

case ${MEMORY_MIB:-} in
  '' | *[!0-9]*)
    echo "MEMORY_MIB is '${MEMORY_MIB:-}': expected the container's memory limit as a number of MiB" >&2
    exit 1
    ;;
esac

# The rest is for rewriting the append-only file, which copies changed pages, and for clients' buffers.
exec redis-server /etc/redis/redis.conf --maxmemory "$((MEMORY_MIB * 6 / 10))mb"
