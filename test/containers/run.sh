#!/usr/bin/env bash
# Runs the tests against servers in containers, or COMMAND: run.sh [COMMAND...]. run.sh --prepare only installs what an
# engine of its own would need. Where a Docker engine answers, it is
# used; else, as root on Debian, one is started for this run and taken away afterwards; else the tests are left out,
# and that is said. The exit code is that of the command (130 after Ctrl-C, 143 after SIGTERM).
# README.md beside this file says which variables are read.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export PATH=$root/node_modules/.bin:$PATH
say() { printf '%s\n' "$*" >&2; }
prepare_only=
if [ "${1:-}" = --prepare ]; then
  prepare_only=1
  set -- true
fi
[ $# -gt 0 ] || set -- mocha "$here/*.test.ts"
cd "$root"
# The servers are never behind a proxy.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

if [ -z "${RIGHTSIZE_OWN_ENGINE:-}" ] && engine=$(node "$here/engine.ts" 2>/dev/null); then
  say "using the Docker engine that answers: $engine"
  exec "$@"
fi
left_out() {
  printf 'left out: no Docker engine answers, and %s\n\n  0 passing\n  1 pending\n' "$1"
  exit 0
}
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then left_out "starting one needs root on Linux"; fi
command -v apt-get >/dev/null || left_out "there is no apt-get to install one"

temporary=$(realpath "${TMPDIR:-/tmp}")
case $temporary/ in
  /run/* | /opt/* | /etc/docker/*)
    say "TMPDIR=$temporary cannot be used for an engine, which has its own /run, /opt and /etc/docker; set another"
    exit 2
    ;;
esac
data=$(mktemp -d "$temporary/rightsize-engine.XXXXXX")
mkdir "$data/tmp"

# This lock is inherited by everything that is started below, so it is free exactly when the last of it is gone.
exec 8>"$data/alive"
flock 8
setsid "$here/../cluster/janitor.sh" "$data" "${data##*/}" </dev/null >/dev/null 8>&- &
janitor=$!
ended= # the exit code that a signal asks for
child=
# shellcheck disable=SC2317 # traps call it
on_signal() { # on_signal CODE: what is in the namespaces has nothing to tidy up, since all of it goes away
  [ -n "$ended" ] || ended=$1
  [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
}
trap 'on_signal 130' INT
trap 'on_signal 143' TERM
# wait returns early for each signal; the child's own code is what counts.
await() {
  local code
  while :; do
    code=0
    wait "$1" || code=$?
    kill -0 "$1" 2>/dev/null || return "$code"
  done
}
finish() { # finish CODE: once everything is taken away
  exec 8>&-
  child=
  await "$janitor" || say "the Docker engine was not taken away completely (see above)"
  exit "${ended:-$1}"
}

"$here/../cluster/packages.sh" docker.io iproute2 util-linux prometheus victoria-metrics || finish $?
[ -z "$ended" ] || finish "$ended"
[ -z "$prepare_only" ] || finish 0
# If this script is killed, so is unshare, and with it (--kill-child) everything in the process namespace.
ENGINE_DATA=$data setpriv --pdeathsig KILL \
  unshare --mount --net --pid --fork --mount-proc --kill-child "$here/inside.sh" "$@" </dev/null &
child=$!
[ -z "$ended" ] || kill -KILL "$child"
code=0
await "$child" || code=$?
finish "$code"
