#!/usr/bin/env bash
# Builds the images localhost/pause:1 and localhost/busybox:1 as OCI archives into the cache, once, and prints
# their folder on stdout. Nothing is pulled: pause is a small C program, busybox is Debian's static one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

busybox=$(command -v busybox) || {
  say "building the test images needs busybox (Debian package busybox-static)"
  exit 2
}
cache=${RIGHTSIZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rightsize}
key=$(cat "$here/images/pause.c" "$here/ociimage.ts" "${BASH_SOURCE[0]}" "$busybox" | sha256sum | cut -c1-12)
images=$cache/images-$key
if [ -d "$images" ]; then
  printf '%s\n' "$images"
  exit 0
fi

node=$here/../../node_modules/.bin/node
if [ ! -x "$node" ]; then
  say "the development dependencies are not installed; run: npm ci"
  exit 2
fi
"$here/packages.sh" gcc libc6-dev
say "building the images localhost/pause:1 and localhost/busybox:1"
mkdir -p "$cache"
partial=$(mktemp -d "$cache/images.XXXXXX")
trap 'rm -rf "$partial"' EXIT
gcc -static -Os -s -Wall -o "$partial/pause" "$here/images/pause.c"
"$node" "$here/ociimage.ts" "$partial/pause.tar" localhost/pause:1 /pause "$partial/pause=pause"
mapfile -t links < <("$busybox" --list | grep -vx busybox | sed 's|.*|@busybox=bin/&|')
"$node" "$here/ociimage.ts" "$partial/busybox.tar" localhost/busybox:1 /bin/sh "$busybox=bin/busybox" "${links[@]}"
rm "$partial/pause"
# A second builder may have been as fast; its result is the same.
mv -T "$partial" "$images" 2>/dev/null || [ -d "$images" ]
printf '%s\n' "$images"
