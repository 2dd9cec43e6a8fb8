#!/usr/bin/env bash
# Installs from Debian what the tests need from the system: the AWS CLI, OpenSSL's command line, PostgreSQL's programs, Chromium and SoftHSM.
# Run it as often as you like.
set -euo pipefail

say() { printf 'test:setup: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

# The tests call Debian's own /usr/bin/aws: another `aws` may come first on the PATH, in another version.
missing=()
[ -x /usr/bin/aws ] || missing+=(awscli)
[ -x /usr/bin/openssl ] || missing+=(openssl)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
[ -x /usr/bin/chromium ] || missing+=(chromium)
[ -x /usr/bin/softhsm2-util ] || missing+=(softhsm2)
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

command -v apt-get >/dev/null 2>&1 ||
  fail "cannot install ${missing[*]}: this system has no apt-get. Install what is missing by hand, as /usr/bin/aws and /usr/bin/openssl."

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 ||
    fail "cannot install ${missing[*]}: neither root nor sudo. Run as root: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
run() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    cat "$log" >&2
    fail "could not install ${missing[*]}: '$*' failed with the output above."
  fi
}

say "installing ${missing[*]}"
run apt-get update
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  # The tests start servers of their own: Debian's package need not make one that runs all the time.
  run apt-get install --yes --no-install-recommends postgresql-common
  if [ -f /etc/postgresql-common/createcluster.conf ]; then
    run sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
fi
run apt-get install --yes --no-install-recommends "${missing[@]}"

[ -x /usr/bin/aws ] || fail "awscli is installed, but there is no /usr/bin/aws."
[ -x /usr/bin/openssl ] || fail "openssl is installed, but there is no /usr/bin/openssl."
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ||
  fail "postgresql is installed, but there is no /usr/lib/postgresql/*/bin/postgres."
[ -x /usr/bin/chromium ] || fail "chromium is installed, but there is no /usr/bin/chromium."
[ -x /usr/bin/softhsm2-util ] || fail "softhsm2 is installed, but there is no /usr/bin/softhsm2-util."
say "$(/usr/bin/aws --version 2>&1 | cut -d' ' -f1), $(/usr/bin/openssl version | cut -d' ' -f1,2)"
