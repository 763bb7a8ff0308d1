#!/usr/bin/env bash
# Builds a program of the benchmark into the cache, once for each version of it, and prints its path on stdout:
#   build.sh seed     what writes histories
#   build.sh server   the Prometheus of the module in server/go.mod, without the pages and without discovery of targets
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

name=${1:-}
case $name in
  seed)
    what='the writer of histories'
    package=.
    ld='-s -w'
    long='less than a minute'
    ;;
  server)
    # Modules of Prometheus 3.16 are v0.316.
    version=$(sed -nE 's|^require github.com/prometheus/prometheus v0\.3([0-9]{2})\.([0-9]+)$|3.\1.\2|p' "$here/server/go.mod")
    what="Prometheus $version"
    package=github.com/prometheus/prometheus/cmd/prometheus
    ld="-s -w -X github.com/prometheus/common/version.Version=$version"
    long='some minutes'
    ;;
  *)
    say "build.sh takes seed or server"
    exit 2
    ;;
esac

cache=${RIGHTSIZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rightsize}
key=$(find "$here/build.sh" "$here/$name" -type f | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-12)
bin=$cache/bench-$name-$key
if [ -x "$bin" ]; then
  printf '%s\n' "$bin"
  exit 0
fi
if ! command -v go >/dev/null; then
  say "the benchmark needs Go $(sed -n 's/^go //p' "$here/$name/go.mod") or newer on the PATH, to build $what"
  exit 2
fi
mkdir -p "$cache"
say "Building $what from Go modules into $bin ($long, only the first time)"
partial=$(mktemp "$bin.XXXXXX")
trap 'rm -f "$partial"' EXIT
building=
# A build that nobody waits for any more would go on for minutes.
stop() {
  [ -z "$building" ] || { kill "$building" && wait "$building"; } || true
  exit 143
}
trap stop INT TERM
(cd "$here/$name" && CGO_ENABLED=0 exec go build -tags remove_all_sd -trimpath -buildvcs=false -ldflags="$ld" -o "$partial" "$package") >&2 &
building=$!
wait "$building"
chmod 755 "$partial"
mv "$partial" "$bin"
printf '%s\n' "$bin"
