#!/usr/bin/env bash
# As much of the official image's start as docker-compose.yml relies on: a cluster, its superuser and a database.
set -euo pipefail

if [[ $(id -u) == 0 ]]; then
  install --directory --owner postgres --group postgres --mode 0700 "$PGDATA"
  chown -R postgres:postgres "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups "${BASH_SOURCE[0]}" "$@"
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  # The arguments are words by intent.
  # shellcheck disable=SC2086
  initdb --username "$POSTGRES_USER" --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") $POSTGRES_INITDB_ARGS
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  printf 'CREATE DATABASE "%s"\n' "$POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec "$@" -c 'listen_addresses=*' -c unix_socket_directories=/tmp
