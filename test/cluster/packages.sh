#!/usr/bin/env bash
# Makes sure that the Debian packages NAME... are installed: packages.sh NAME...
# Installs what is missing when root on Debian or Ubuntu, and starts no service of theirs; says what it does on stderr.
set -euo pipefail
say() { printf '%s\n' "$*" >&2; }

missing=()
for name; do
  if ! command -v dpkg-query >/dev/null || [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
    missing+=("$name")
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  say "needed and not found as Debian packages (no apt-get here): ${missing[*]}"
  exit 2
fi
if [ "$(id -u)" != 0 ]; then
  say "missing Debian packages; as root: apt-get install --no-install-recommends ${missing[*]}"
  exit 2
fi

output=$(mktemp)
policy=/usr/sbin/policy-rc.d
made=
clean() {
  rm -f "$output"
  [ -z "$made" ] || rm -f "$policy"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Debian starts a package's daemons as it is installed unless this file says no (101).
if [ ! -e "$policy" ]; then
  made=1
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 "$@" >"$output" 2>&1; }
known() { apt-cache show --no-all-versions "${missing[@]}" >/dev/null 2>&1; }
install() { apt install --no-install-recommends "${missing[@]}"; }

say "installing Debian packages: ${missing[*]}"
if ! known || ! install; then
  say "updating the list of Debian packages"
  if ! apt update || ! install; then
    tail -n 15 "$output" >&2
    say "could not install the Debian packages ${missing[*]} (see above)"
    exit 1
  fi
fi

# They are for tests only: where there is systemd, they must not start with the machine either.
if [ -d /run/systemd/system ]; then
  for name in "${missing[@]}"; do
    dpkg-query -L "$name" | sed -n 's|.*/lib/systemd/system/\([^@/]*\.service\)$|\1|p' | xargs -r systemctl disable --quiet
  done
fi
