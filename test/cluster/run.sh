#!/usr/bin/env bash
# Runs COMMAND with a fresh one-node Kubernetes and takes everything away afterwards: run.sh [--keep] COMMAND...
# --keep leaves the cluster up when COMMAND has ended, until Ctrl-C. run.sh --prepare only installs and builds what such a
# cluster needs, which takes long the first time. The exit code is COMMAND's (130 after Ctrl-C, 143 after SIGTERM).
# README.md beside this file says what COMMAND finds, and which variables are read.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
say() { printf '%s\n' "$*" >&2; }

keep=
prepare_only=
case ${1:-} in
  --keep)
    keep=1
    shift
    ;;
  --prepare)
    prepare_only=1
    # With a cluster that is there already there is nothing to prepare.
    set -- true
    ;;
esac
if [ $# -eq 0 ]; then
  say "usage: run.sh [--keep] COMMAND..., or run.sh --prepare"
  exit 2
fi
# A cluster's address is never behind a proxy.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export PATH=$root/node_modules/.bin:$PATH

if [ -n "${RIGHTSIZE_KUBECONFIG:-}" ]; then
  if [ ! -r "$RIGHTSIZE_KUBECONFIG" ]; then
    say "RIGHTSIZE_KUBECONFIG=$RIGHTSIZE_KUBECONFIG cannot be read; it must be the kubeconfig of an existing cluster"
    exit 2
  fi
  KUBECONFIG=$(realpath "$RIGHTSIZE_KUBECONFIG") exec env "$@"
fi
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then
  say "a test cluster needs root on Linux (Debian or Ubuntu, with Go to build Kubernetes once); or set RIGHTSIZE_KUBECONFIG to the kubeconfig of an existing cluster"
  exit 2
fi

ended=  # the exit code that a signal asks for
child=  # what is to be told
tell=:  # how it is told: tell SIGNAL
# shellcheck disable=SC2317 # traps call it
on_signal() { # on_signal SIGNAL CODE
  [ -n "$ended" ] || ended=$2
  "$tell" "$1"
}
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
# wait returns early for each signal; the child's own code is what counts.
await() {
  local code
  while :; do
    code=0
    wait "$1" || code=$?
    kill -0 "$1" 2>/dev/null || return "$code"
  done
}

temporary=$(realpath "${TMPDIR:-/tmp}")
case $temporary/ in
  /run/* | /var/lib/* | /var/log/*)
    say "TMPDIR=$temporary cannot be used for a test cluster, which has its own /run, /var/lib and /var/log; set another"
    exit 2
    ;;
esac
data=$(mktemp -d "$temporary/rightsize-cluster.XXXXXX")
cgroup=${data##*/}

# This lock is inherited by everything that is started below, so it is free exactly when the last of it is gone.
exec 8>"$data/alive"
flock 8
setsid "$here/janitor.sh" "$data" "$cgroup" </dev/null >/dev/null 8>&- &
janitor=$!
finish() { # finish CODE: once everything is taken away
  exec 8>&-
  tell=:
  await "$janitor" || say "the test cluster was not taken away completely (see above)"
  exit "${ended:-$1}"
}

# Preparation runs in a session of its own, so that one signal to its group ends a build with all its children.
# shellcheck disable=SC2317 # on_signal calls it
tell_group() { kill -s TERM -- "-$child" 2>/dev/null || true; }
mkdir "$data/tmp"
prepare() { # prepare COMMAND...: leaves its output in $prepared
  local code=0
  [ -z "$ended" ] || finish "$ended"
  TMPDIR=$data/tmp setsid "$@" >"$data/prepared" &
  child=$!
  tell=tell_group
  await "$child" || code=$?
  tell=:
  [ "$code" = 0 ] || finish "$code"
  prepared=$(cat "$data/prepared")
}
prepare "$here/packages.sh" containerd runc containernetworking-plugins busybox-static iproute2 openssl util-linux procps
prepare "$here/binaries.sh"
bin=$prepared
prepare "$here/images.sh"
images=$prepared
[ -z "$prepare_only" ] || finish 0

# If this script is killed, so is unshare, and with it (--kill-child) everything in the process namespace. bash
# starts background commands with SIGINT ignored and without stdin: both are put right.
exec 3<&0
CLUSTER_DATA=$data CLUSTER_CGROUP=$cgroup CLUSTER_BIN=$bin CLUSTER_IMAGES=$images CLUSTER_KEEP=$keep \
  setpriv --pdeathsig KILL env --default-signal=INT,QUIT \
  unshare --mount --net --pid --fork --mount-proc --kill-child "$here/inside.sh" "$@" <&3 3<&- &
child=$!
exec 3<&-

# The first process inside gets USR1 to interrupt COMMAND, TERM to end it, and USR2 when the terminal's Ctrl-C has
# reached COMMAND already. Signals that come before it listens are lost, so each is sent until it is gone.
from_terminal() {
  local group terminal
  read -r group terminal < <(ps -o pgid=,tpgid= -p $$)
  [ "$group" = "$terminal" ]
}
tell_inside() {
  local signal=$1 give_up=$((SECONDS + 20))
  trap '' INT TERM
  if [ "$signal" = INT ]; then
    signal=USR1
    if from_terminal; then signal=USR2; fi
  fi
  while kill -0 "$child" 2>/dev/null; do
    pkill -"$signal" -P "$child" || true
    [ $SECONDS -lt $give_up ] || kill -KILL "$child" 2>/dev/null || true
    sleep 0.1
  done
}
tell=tell_inside
[ -z "$ended" ] || tell_inside TERM
for _ in $(seq 100); do
  init=$(pgrep -P "$child") && break
  sleep 0.02
done
printf '%s\n' "${init:-}" >"$data/pid" 2>/dev/null || true

code=0
await "$child" || code=$?
finish "$code"
