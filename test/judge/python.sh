#!/usr/bin/env bash
# Prints the path of a Python that has the packages of requirements.txt: a virtual environment in the cache, made once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s\n' "$*" >&2; }

cache=${RIGHTSIZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rightsize}
key=$(cat "$here/requirements.txt" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-12)
folder=$cache/judge-python-$key
python=$folder/bin/python
# It also breaks when the Python that it was made with goes away.
works() { [ -f "$folder/complete" ] && "$python" -c 'import numpy, pandas' 2>/dev/null; }

if ! works; then
  mkdir -p "$cache"
  # One at a time; a second one waits here and then finds it complete.
  exec 9>"$folder.lock"
  flock 9
fi
if ! works; then
  say "installing $(paste -sd ' ' "$here/requirements.txt") for Python into $folder"
  rm -rf "$folder"
  if ! python3 -m venv "$folder" >/dev/null 2>&1; then
    # Debian keeps what venv needs in a package of its own, for its own Python.
    "$here/../cluster/packages.sh" python3 python3-venv
    rm -rf "$folder"
    /usr/bin/python3 -m venv "$folder" >&2
  fi
  "$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r "$here/requirements.txt" >&2
  touch "$folder/complete"
fi
printf '%s\n' "$python"
