#!/usr/bin/env bash
# The first process of a cluster's namespaces: starts the cluster, runs COMMAND, and ends with its exit code.
# When it ends, the kernel kills every other process here and drops the mounts and the network. run.sh starts it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
data=$CLUSTER_DATA
bin=$CLUSTER_BIN
keep=$CLUSTER_KEEP
say() { printf '%s\n' "$*" >&2; }

ended= # the exit code that a signal asks for
child=
# shellcheck disable=SC2317 # traps call it
on_signal() { # on_signal CODE [SIGNAL for COMMAND]
  [ -z "$ended" ] || return 0
  ended=$1
  [ -z "$child" ] || [ -z "${2:-}" ] || kill -s "$2" "$child" 2>/dev/null || true
}
trap 'on_signal 130' USR2
trap 'on_signal 130 INT' USR1
trap 'on_signal 143 TERM' TERM
trap '' INT

# Waits for process $1; once a signal has come, for as many seconds as $2 at most. bash ignores SIGINT for what it
# starts in the background, therefore env gives it back there.
await() {
  local code give_up=
  while :; do
    code=0
    if [ -z "$ended" ]; then
      wait "$1" || code=$?
      kill -0 "$1" 2>/dev/null || return "$code"
      continue
    fi
    kill -0 "$1" 2>/dev/null || return 0
    give_up=${give_up:-$((SECONDS + $2))}
    [ $SECONDS -lt "$give_up" ] || return 0
    sleep 0.1
  done
}

# What containerd, the network plugins and the kubelet write at fixed places is seen and kept in here only. The
# checkout stays the real one, wherever it is.
exec 4<"$root"
mount -t tmpfs tmpfs /run
mkdir /run/lock /run/containerd
for folder in /var/lib /var/log; do
  mkdir -p "$data/private$folder" "$data/private$folder.work"
  mount -t overlay overlay -o "lowerdir=$folder,upperdir=$data/private$folder,workdir=$data/private$folder.work" "$folder"
  [[ $root/ != "$folder"/* ]] || mount --no-canonicalize --rbind /proc/self/fd/4 "$root"
done
exec 4<&-
# The kubelet sets these for the whole machine, unless it reads the value that it wants. It reads these files.
mkdir "$data/sysctl"
while read -r name value; do
  [ -e "/proc/sys/$name" ] || continue
  echo "$value" >"$data/sysctl/${name//\//.}"
  mount --bind "$data/sysctl/${name//\//.}" "/proc/sys/$name"
done <<'LIST'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
LIST
ip link set lo up
ip link add e2e0 type bridge
ip address add 10.88.0.1/24 dev e2e0
ip link set e2e0 up

exec 3<&0
"$here/up.sh" </dev/null 3<&- &
child=$!
code=0
await "$child" 0 || code=$?
child=
[ -z "$ended" ] || exit "$ended"
[ "$code" = 0 ] || exit 1

export KUBECONFIG=$data/admin.kubeconfig RIGHTSIZE_CLUSTER_DIR=$data
# What a killed COMMAND leaves behind goes away with the cluster.
export TMPDIR=$data/tmp KUBECACHEDIR=$data/kubectl
PATH=${PATH%%:*}:$bin:${PATH#*:}
unset CLUSTER_DATA CLUSTER_BIN CLUSTER_IMAGES CLUSTER_CGROUP CLUSTER_KEEP
cat >"$data/shell" <<SHELL
#!/bin/sh
# Joins the cluster from another terminal, after nsenter; with a command it runs that instead of a shell.
export KUBECONFIG=$KUBECONFIG RIGHTSIZE_CLUSTER_DIR=$data TMPDIR=$TMPDIR KUBECACHEDIR=$KUBECACHEDIR PATH="$PATH"
exec "\${@:-bash}"
SHELL
chmod 755 "$data/shell"

env --default-signal=INT,QUIT "$@" <&3 3<&- 8>&- &
child=$!
exec 3<&-
await "$child" 10 || code=$?
if [ -n "$keep" ] && [ -z "$ended" ]; then
  say "the command ended with $code; the cluster stays until Ctrl-C; to join it: nsenter -t $(cat "$data/pid") -m -n -p $data/shell"
  sleep infinity &
  await $! 0 || true
  exit "$code"
fi
exit "${ended:-$code}"
