#!/bin/sh
# Creates the users that connect over the network, or gives them the passwords of the environment. The image runs it when
# it creates the database; after new passwords: kubectl exec statefulset/timescaledb -- /scripts/roles.sh
set -eu

# psql reads the passwords from the environment: an argument would show in the list of processes.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\getenv api_password API_PASSWORD
\getenv backup_password BACKUP_PASSWORD
\getenv exporter_password EXPORTER_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['traversion_api', 'traversion_backup', 'traversion_exporter']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- Owns the database, so it may create what it needs there, but it is no superuser.
ALTER ROLE traversion_api LOGIN PASSWORD :'api_password';
SELECT format('ALTER DATABASE %I OWNER TO traversion_api', current_database()) \gexec

-- Reads everything and copies the files; writes nothing.
ALTER ROLE traversion_backup LOGIN REPLICATION CONNECTION LIMIT 6 PASSWORD :'backup_password';
GRANT pg_read_all_data TO traversion_backup;

ALTER ROLE traversion_exporter LOGIN CONNECTION LIMIT 4 PASSWORD :'exporter_password';
GRANT pg_monitor TO traversion_exporter;

CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SQL
