#!/usr/bin/env bash
# Builds the program that seeds a Prometheus into the cache, once for each version of it, and prints its path on stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

cache=${RIGHTSIZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rightsize}
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/*.go | sha256sum | cut -c1-12)
bin=$cache/bench-seed-$key
if [ -x "$bin" ]; then
  printf '%s\n' "$bin"
  exit 0
fi
if ! command -v go >/dev/null; then
  say "the benchmark needs Go $(sed -n 's/^go //p' "$here/go.mod") or newer on the PATH, to build what writes the history"
  exit 2
fi
mkdir -p "$cache"
say "Building the writer of histories from Go modules into $bin (less than a minute, only the first time)"
partial=$(mktemp "$bin.XXXXXX")
trap 'rm -f "$partial"' EXIT
(cd "$here" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o "$partial" .)
chmod 755 "$partial"
mv "$partial" "$bin"
printf '%s\n' "$bin"
