#!/usr/bin/env bash
# Stand-ins for the base images of docker-compose.yml, out of Debian's packages, for a machine that reaches no registry:
#
#   tests/images/build.sh PATH_OF_NATS_SERVER
#
# Needs root, debootstrap and a Docker engine. They are for trying the deployment, not for running one: PostgreSQL is
# Debian's version and nats-server the one that is named.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
nats_server=$(realpath -- "${1:?name the nats-server to put in}")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1; then
  debootstrap --variant=minbase bookworm "$work/root" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    exit 1
  }
  tar -C "$work/root" -c . | docker import - debian:bookworm-slim
fi
cp -- nats/Dockerfile "$work/Dockerfile"
cp -- "$nats_server" "$work/nats-server"
docker build --network host --tag nats:2.12-alpine --file "$work/Dockerfile" "$work"
docker build --network host --tag postgres:17 postgres
