#!/usr/bin/env bash
# Installs the servers that the local stack runs as child processes:
#   PostgreSQL   with apt, for the whole system, if none of version 15 or newer is there;
#   nats-server  into .tools/ of this project, without touching the system, if PATH has none of
#                version 2.10 or newer. The package comes from the newest Debian suite whose binary
#                runs here, signature checked; older servers cannot fsync before they acknowledge.
# With `--tests` also what only the tests run:
#   beancount, schemathesis and typst   into .tools/ too, from PyPI, every file's digest pinned in
#                scripts/beancount.txt, scripts/schemathesis.txt and scripts/typst.txt;
#   docker-compose   into .tools/ too, where there is a Docker engine without it, from Debian like
#                nats-server. Without it the deployment is not tried, and the tests say so.
# Does nothing when all is there. Needs root or sudo for PostgreSQL only.
#
# LOOPLEDGER_TOOLS           folder to install into            (default: .tools of this project)
# LOOPLEDGER_DEBIAN_MIRROR   Debian mirror to take packages from   (default: the system's own)
# LOOPLEDGER_DEBIAN_KEYRING  keys that may sign it  (default: the system's debian-archive-keyring)
set -euo pipefail

readonly POSTGRES_NEEDED=15
readonly NATS_NEEDED=2.10
readonly SUITES=(unstable testing stable)

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${LOOPLEDGER_TOOLS:-$project/.tools}
work=

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}
clean_up() { if [[ -n $work ]]; then rm -rf -- "$work"; fi; }
trap clean_up EXIT

# Prints the version that a server reports, or nothing if it cannot be run.
version_of() { "$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1 || true; }

# Whether version $1 is $2 or newer.
at_least() { [[ -n $1 && $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# Prints the first of the given programs that is new enough; $1 is the version needed.
first_at_least() {
  local needed=$1 candidate
  shift
  for candidate in "$@"; do
    if [[ -x $candidate ]] && at_least "$(version_of "$candidate")" "$needed"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
}

find_postgres() {
  local candidate candidates both=()
  candidates=$(
    type -aP postgres || true
    compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -rV || true
    printf '%s\n' /usr/local/bin/postgres
  )
  while IFS= read -r candidate; do
    if [[ -x ${candidate%/*}/initdb ]]; then both+=("$candidate"); fi
  done <<<"$candidates"
  first_at_least "$POSTGRES_NEEDED" ${both[@]+"${both[@]}"}
}

find_nats_server() {
  local candidates=() on_path
  on_path=$(type -aP nats-server || true)
  if [[ -n $on_path ]]; then mapfile -t candidates <<<"$on_path"; fi
  candidates+=("$tools/nats-server/usr/sbin/nats-server" /usr/{sbin,local/bin}/nats-server)
  first_at_least "$NATS_NEEDED" "${candidates[@]}"
}

install_postgres() {
  local how='apt-get update && apt-get install -y --no-install-recommends postgresql'
  local as_root=()
  command -v apt-get >/dev/null || fail \
    "PostgreSQL $POSTGRES_NEEDED or newer is missing and there is no apt-get to install it with" \
    'install the server (postgres and initdb) with the package manager of this system'
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail \
      "PostgreSQL $POSTGRES_NEEDED or newer is missing; run this as root: $how"
    as_root=(sudo)
  fi
  say "installing PostgreSQL: ${as_root[*]:+${as_root[*]} }$how"
  if ! ${as_root[@]+"${as_root[@]}"} sh -c "export DEBIAN_FRONTEND=noninteractive; $how" \
    >"$work/postgres.log" 2>&1; then
    tail -n 20 "$work/postgres.log" >&2
    fail "installing PostgreSQL failed; run this as root: $how"
  fi
}

# Prints the mirror that this Debian system itself uses.
# shellcheck disable=SC1091  # /etc/os-release is the system's
debian_mirror() {
  if [[ -n ${LOOPLEDGER_DEBIAN_MIRROR:-} ]]; then
    printf '%s\n' "$LOOPLEDGER_DEBIAN_MIRROR"
  elif [[ $(. /etc/os-release && printf '%s' "${ID:-}") == debian ]]; then
    # shellcheck disable=SC2016  # apt fills in the fields
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
      awk '$3 == "main" && $2 !~ /-/ && $1 !~ /security/ { print $1; exit }'
  fi
}

# Writes an apt configuration with a state of its own at $1; $2 says `private` for a source list
# of its own as well, or `system` for the system's. The system's proxies and certificates stay in
# force.
write_apt_config() {
  local base=$1 sources=$2
  mkdir -p "$base/state/lists/partial" "$base/cache/archives/partial" "$base/none" "$base/download"
  {
    printf 'Dir::State "%s";\n' "$base/state"
    printf 'Dir::State::lists "%s";\n' "$base/state/lists"
    printf 'Dir::State::status "/var/lib/dpkg/status";\n'
    printf 'Dir::Cache "%s";\n' "$base/cache"
    printf 'Dir::Etc::preferences "%s";\n' "$base/none/preferences"
    printf 'Dir::Etc::preferencesparts "%s";\n' "$base/none"
    if [[ $sources == private ]]; then
      printf 'Dir::Etc::sourcelist "%s";\n' "$base/sources.list"
      printf 'Dir::Etc::sourceparts "%s";\n' "$base/none"
    fi
    printf '#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n'
    printf 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";\n'
    printf 'Acquire::Languages "none";\nAcquire::Retries "3";\nAPT::Update::Error-Mode "any";\n'
  } >"$base/apt.conf"
  if ((EUID == 0)) && id -u _apt >/dev/null 2>&1; then chown _apt "$base/download"; fi
}

# Downloads package $2 with the configuration at $1 and unpacks it into $3. Sources in which the
# signature or the package's digest is wrong are refused by apt, as always.
unpack() {
  local base=$1 package=$2 into=$3
  apt-get -c "$base/apt.conf" update >"$base/log" 2>&1 || return 1
  (cd "$base/download" && apt-get -c "$base/apt.conf" download "$package") >>"$base/log" 2>&1 ||
    return 1
  rm -rf -- "$into"
  mkdir -p "$into"
  dpkg -x "$base/download/$package"_*.deb "$into"
}

# Prints a keyring of Debian's archive keys: the system's, or the one in the newest package that the
# system's own sources have, whose signature the system can check, when the system has none.
debian_keyring() {
  local name keyring=${LOOPLEDGER_DEBIAN_KEYRING:-}
  for name in gpg pgp; do
    keyring=${keyring:-$(compgen -G "/usr/share/keyrings/debian-archive-keyring.$name" || true)}
  done
  printf '%s\n' "${keyring:-$(newer_keyring)}"
}

newer_keyring() {
  write_apt_config "$work/keyring" system
  if unpack "$work/keyring" debian-archive-keyring "$work/keyring/unpacked"; then
    compgen -G "$work/keyring/unpacked/usr/share/keyrings/debian-archive-keyring.*" |
      head -n 1 || true
  fi
}

# Tries one suite: whether its nats-server could be had, runs here and is new enough.
try_suite() {
  local suite=$1 mirror=$2 keyring=$3 base=$work/$1 version
  rm -rf -- "$base"
  write_apt_config "$base" private
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$base/sources.list"
  if ! unpack "$base" nats-server "$base/unpacked"; then
    say "  $suite: could not be taken: $(grep -E '^[EW]:' "$base/log" | head -n 1 || true)"
    return 1
  fi
  version=$(version_of "$base/unpacked/usr/sbin/nats-server")
  if ! at_least "$version" "$NATS_NEEDED"; then
    say "  $suite: ${version:+version $version }does not run here or is too old"
    return 1
  fi
  mkdir -p "$tools"
  rm -rf -- "$tools/nats-server" "$tools/nats-server.new"
  cp -a -- "$base/unpacked" "$tools/nats-server.new"
  mv -- "$tools/nats-server.new" "$tools/nats-server"
  say "  $suite: nats-server $version is now in $tools/nats-server"
}

try_suites() {
  local suite
  for suite in "${SUITES[@]}"; do
    if try_suite "$suite" "$1" "$2"; then return; fi
  done
  return 1
}

install_nats_server() {
  local by_hand mirror keyring
  by_hand="install nats-server $NATS_NEEDED (better 2.12.6) or newer into a folder of PATH"
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    fail 'nats-server is missing and there is no apt-get and dpkg to fetch it with' "$by_hand"
  fi
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || fail \
    'nats-server is missing and the sources of this system name no Debian mirror' \
    "set LOOPLEDGER_DEBIAN_MIRROR to one and run this again, or $by_hand"
  keyring=$(debian_keyring)
  [[ -n $keyring ]] || fail \
    "Debian's archive keys are missing: install the package debian-archive-keyring, or $by_hand"
  say "fetching nats-server from $mirror, signed by $keyring"
  if try_suites "$mirror" "$keyring"; then return; fi
  if grep -qs NO_PUBKEY "$work"/*/log; then
    say "fetching newer keys of Debian's archive"
    keyring=$(newer_keyring)
    if [[ -n $keyring ]] && try_suites "$mirror" "$keyring"; then return; fi
  fi
  fail "no Debian suite has a nats-server that can be used here" "$by_hand"
}

has_compose() {
  docker compose version >/dev/null 2>&1 || "$(compose_in "$tools/docker-compose")" version >/dev/null 2>&1
}

compose_in() { printf '%s\n' "$1/usr/libexec/docker/cli-plugins/docker-compose"; }

# Does what it can: machines without it are served too.
install_compose() {
  local suite base mirror keyring
  if ! command -v docker >/dev/null || has_compose || ! command -v apt-get >/dev/null; then return; fi
  mirror=$(debian_mirror)
  keyring=$(debian_keyring)
  if [[ -z $mirror || -z $keyring ]]; then return; fi
  say "fetching docker-compose from $mirror, signed by $keyring"
  for suite in testing stable; do
    base=$work/compose-$suite
    write_apt_config "$base" private
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$base/sources.list"
    if unpack "$base" docker-compose "$base/unpacked" && "$(compose_in "$base/unpacked")" version >/dev/null 2>&1; then
      rm -rf -- "$tools/docker-compose"
      cp -a -- "$base/unpacked" "$tools/docker-compose"
      say "  $suite: docker-compose is now in $tools/docker-compose"
      return
    fi
  done
  say '  it cannot be had: the deployment is not tried'
}

# Installs what the tests run of PyPI, $1, whose program is $2, into a Python environment of its own.
install_from_pypi() {
  local name=$1 program=$2 environment=$tools/$1 pinned=$project/scripts/$1.txt
  if cmp -s "$pinned" "$environment/pinned.txt" && "$environment/bin/$program" --version \
    >/dev/null 2>&1; then return; fi
  command -v python3 >/dev/null || fail "$name is missing and there is no python3 to run it"
  say "fetching $name from PyPI"
  rm -rf -- "$environment"
  mkdir -p "$tools"
  python3 -m venv "$environment" >"$work/venv.log" 2>&1 || {
    tail -n 5 "$work/venv.log" >&2
    fail 'python3 can make no environment: install its package python3-venv'
  }
  "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
    --require-hashes --requirement "$pinned" || fail "$name could not be taken from PyPI"
  if [[ $name == typst ]]; then write_typst "$environment/bin"; fi
  cp -- "$pinned" "$environment/pinned.txt"
}

# The package has typst's compiler and no program; this is as much of one as a report needs.
write_typst() {
  {
    printf '#!%s/python\n' "$1"
    cat <<'PROGRAM'
"""`typst compile SOURCE PDF`, by typst's Python package."""
import sys
from importlib.metadata import version

import typst

match sys.argv[1:]:
    case ["--version"]:
        print("typst", version("typst"))
    case ["compile", source, pdf]:
        try:
            typst.compile(source, output=pdf)
        except RuntimeError as error:
            sys.exit(f"error: {error}")
    case _:
        sys.exit("usage: typst compile SOURCE PDF")
PROGRAM
  } >"$1/typst"
  chmod 755 "$1/typst"
}

main() {
  local postgres nats_server
  work=$(mktemp -d)
  chmod 755 "$work"

  postgres=$(find_postgres)
  if [[ -z $postgres ]]; then
    install_postgres
    postgres=$(find_postgres)
    [[ -n $postgres ]] || fail \
      "apt installed PostgreSQL, but none of version $POSTGRES_NEEDED or newer that runs is there" \
      "install PostgreSQL $POSTGRES_NEEDED or newer from the PostgreSQL project's packages"
  fi
  say "PostgreSQL $(version_of "$postgres"): $postgres"

  nats_server=$(find_nats_server)
  if [[ -z $nats_server ]]; then
    install_nats_server
    nats_server=$(find_nats_server)
  fi
  say "nats-server $(version_of "$nats_server"): $nats_server"

  if [[ ${1:-} == --tests ]]; then
    install_from_pypi beancount bean-check
    install_from_pypi schemathesis schemathesis
    install_from_pypi typst typst
    install_compose
    say "beancount $(version_of "$tools/beancount/bin/bean-check")," \
      "schemathesis $(version_of "$tools/schemathesis/bin/schemathesis")," \
      "typst $(version_of "$tools/typst/bin/typst"): $tools"
  fi
}

main "$@"
