#!/usr/bin/env bash
# Installs from Debian what the tests need from the system: the AWS CLI and OpenSSL's command line. Run it as often as you like.
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
run apt-get install --yes --no-install-recommends "${missing[@]}"

[ -x /usr/bin/aws ] || fail "awscli is installed, but there is no /usr/bin/aws."
[ -x /usr/bin/openssl ] || fail "openssl is installed, but there is no /usr/bin/openssl."
say "$(/usr/bin/aws --version 2>&1 | cut -d' ' -f1), $(/usr/bin/openssl version | cut -d' ' -f1,2)"
