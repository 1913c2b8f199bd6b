#!/usr/bin/env bash
# Stand-ins for the images of docker-compose.yml, out of Debian's packages, for a machine that reaches no registry:
#
#   tests/images/build.sh PATH_OF_NATS_SERVER [FOLDER_OF_PROGRAMS]
#
# With a folder of built programs the ledger's own image is made of them. Needs root, debootstrap and a Docker engine. They
# are for trying the deployment, not for running one: PostgreSQL is Debian's version and nats-server the one that is named.
#
# BASE_IMAGE, NATS_IMAGE, POSTGRES_IMAGE, LEDGER_IMAGE   how they are called   (default: as docker-compose.yml calls them)
# SUITE                                                  of which Debian       (default: bookworm)
set -euo pipefail

nats_server=$(realpath -- "${1:?name the nats-server to put in}")
programs=${2:+$(realpath -- "$2")}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
base=${BASE_IMAGE:-debian:bookworm-slim}
ledger=${LEDGER_IMAGE:-loopledger}
work=$(mktemp -d)
clean_up() {
  if mountpoint --quiet "$work"; then umount "$work"; fi
  rm -rf -- "$work"
}
trap clean_up EXIT
# Unpacking packages waits for the disk again and again.
if (($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) > 4000000)); then
  mount -t tmpfs -o mode=0755 tmpfs "$work" 2>/dev/null || true
fi

# The builder that every engine has: a newer one is a plugin of the client's.
export DOCKER_BUILDKIT=0

build() { docker build --quiet --network host "$@" >/dev/null 2>"$work/log" || { cat "$work/log" >&2; return 1; }; }

if ! docker image inspect "$base" >/dev/null 2>&1; then
  packages=ca-certificates,postgresql,postgresql-client,util-linux,wget
  debootstrap --variant=minbase --include="$packages" "${SUITE:-bookworm}" "$work/root" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    exit 1
  }
  rm -rf -- "$work/root/var/cache/apt/archives" "$work/root/var/lib/apt/lists"
  printf 'Acquire::Retries "5";\n' >"$work/root/etc/apt/apt.conf.d/80retries"
  tar -C "$work/root" -c . | docker import - "$base" >/dev/null
fi
cp -- "$nats_server" "$work/nats-server"
build --build-arg "BASE=$base" --tag "${NATS_IMAGE:-nats:2.12-alpine}" --file nats/Dockerfile - < <(tar -C "$work" -c nats-server -C "$PWD" nats/Dockerfile)
build --build-arg "BASE=$base" --tag "${POSTGRES_IMAGE:-postgres:17}" postgres
if [[ -n $programs ]]; then
  build --build-arg "BASE=$base" --target runtime --tag "$ledger-runtime" - <../../deploy/Dockerfile
  mkdir "$work/programs"
  for program in loopledger loopledger-{registry,voucher,fund,purchase,allocation,projector,gateway}; do
    strip -o "$work/programs/$program" "$programs/$program"
  done
  build --build-arg "RUNTIME=$ledger-runtime" --tag "$ledger" --file ledger.Dockerfile \
    - < <(tar -C "$work" -c programs -C "$PWD" ledger.Dockerfile)
fi
