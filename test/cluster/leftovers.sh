#!/usr/bin/env bash
# Shows that a cluster goes without a trace however it ends: its own end, Ctrl-C, SIGTERM, kill -9, and beside another.
# After each case the machine must be as before: processes, mounts, cgroups, interfaces, kernel settings, folders.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then
  printf 'leftovers.sh needs root on Linux, as run.sh does without RIGHTSIZE_KUBECONFIG\n' >&2
  exit 2
fi
unset RIGHTSIZE_KUBECONFIG
work=$(mktemp -d)
export TMPDIR=$work/tmp RIGHTSIZE_LEFTOVERS=$work
mkdir "$TMPDIR"
started=()
clean() {
  local pid
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap clean EXIT

passed=0
failed=0
check() { # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    printf '  ok    %s\n' "$what"
    return
  fi
  failed=$((failed + 1))
  printf '  WRONG %s\n' "$what"
}
within() { # within SECONDS COMMAND...
  local give_up=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $give_up ] || return 1
    sleep 0.1
  done
}

# COMMAND of every case: with a pod running there are containers, mounts, interfaces and cgroups to take away.
cat >"$work/command" <<'COMMAND'
#!/usr/bin/env bash
name=$1
trap 'echo INT >"$RIGHTSIZE_LEFTOVERS/$name.told"; exit 0' INT
trap 'echo TERM >"$RIGHTSIZE_LEFTOVERS/$name.told"; exit 0' TERM
kubectl run box --image localhost/busybox:1 --image-pull-policy Never -- -c 'sleep 3600' >/dev/null
kubectl wait --for=condition=Ready pod/box --timeout=30s >/dev/null
readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/net >"$RIGHTSIZE_LEFTOVERS/$name.namespaces"
echo "$RIGHTSIZE_CLUSTER_DIR" >"$RIGHTSIZE_LEFTOVERS/$name.up"
[ "$2" = stay ] || exit "$2"
sleep 300 &
wait
COMMAND
chmod 755 "$work/command"
begin() { # begin NAME stay|EXITCODE: leaves the process id of run.sh in $run
  "$here/run.sh" "$work/command" "$1" "$2" 2>"$work/$1.log" &
  run=$!
  started+=("$run")
}
ends_with() { # ends_with CODE
  local code=0
  wait "$run" || code=$?
  [ "$code" = "$1" ] || { printf '        it was %s\n' "$code" && return 1; }
}
is_up() { within 60 test -s "$work/$1.up"; }
first_process() { cat "$(cat "$work/$1.up")/pid"; }
machine() {
  printf 'mounts\n' && sort /proc/mounts
  printf 'interfaces\n' && ls /sys/class/net
  printf 'settings\n'
  sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes
  printf 'folders\n'
  find /run/containerd /run/netns /run/runc /etc/cni /opt/cni /var/lib/cni /var/lib/containerd /var/lib/kubelet /var/run/kubernetes \
    /var/log/containers /var/log/pods -maxdepth 1 2>/dev/null || true
}
machine >"$work/before"
as_before() { machine | diff "$work/before" - >"$work/difference"; }
processes_gone() { # processes_gone NAME: no process is in the namespaces that the cluster had
  local process
  for process in /proc/[0-9]*; do
    ! readlink "$process/ns/pid" "$process/ns/mnt" "$process/ns/net" 2>/dev/null | grep -qxFf "$work/$1.namespaces" || return 1
  done
}
programs_gone() { ! pgrep -f "^/.*$TMPDIR|janitor.sh $TMPDIR" >/dev/null; }
folders_gone() { [ -z "$(ls -A "$TMPDIR")" ]; }
cgroups_gone() {
  local up
  for up in "$work"/*.up; do
    [ -z "$(find /sys/fs/cgroup -type d -name "$(basename "$(cat "$up")")")" ] || return 1
  done
}
nothing_left() { # nothing_left NAME
  check "no process of the cluster is left" within 15 processes_gone "$1"
  check "no program that works on its folder is left" within 15 programs_gone
  check "its temporary folder is gone" within 15 folders_gone
  check "its cgroups are gone" within 15 cgroups_gone
  check "mounts, interfaces, kernel settings and folders are as before" within 15 as_before
  [ ! -s "$work/difference" ] || cat "$work/difference"
}

printf 'the command ends by itself\n'
begin own 7
check "the exit code is the command's" ends_with 7
nothing_left own

printf 'SIGTERM to run.sh\n'
begin term stay
check "the cluster comes up" is_up term
kill -TERM "$run"
check "the exit code is 143" ends_with 143
check "the command was told" grep -qx TERM "$work/term.told"
nothing_left term

printf 'Ctrl-C on a terminal\n'
mkfifo "$work/keys"
exec 7<>"$work/keys"
# bash starts background commands with SIGINT ignored; a terminal does not.
env --default-signal=INT,QUIT script -qec "$here/run.sh $work/command terminal stay" /dev/null <"$work/keys" >/dev/null 2>&1 7>&- &
run=$!
started+=("$run")
check "the cluster comes up" is_up terminal
printf '\003' >&7
check "the exit code is 130" ends_with 130
check "the command was told" grep -qx INT "$work/terminal.told"
exec 7>&-
nothing_left terminal

printf 'kill -9 of run.sh while another cluster runs\n'
begin first stay
first=$run
begin second stay
check "the first cluster comes up" is_up first
check "the second cluster comes up" is_up second
disown "$first"
kill -KILL "$first"
check "no process of the killed one is left" within 15 processes_gone first
check "its folder is gone" within 15 test ! -e "$(cat "$work/first.up")"
other() { nsenter -t "$(first_process second)" -m -n -p "$(cat "$work/second.up")/shell" "$@"; }
check "the other cluster's pod still runs" other sh -c 'kubectl exec box -- true'

printf 'kill -9 of unshare\n'
kill -KILL "$(pgrep -P "$run" -x unshare)"
check "the exit code is 137" ends_with 137
nothing_left second

printf 'kill -9 of run.sh while the cluster starts\n'
begin starting stay
api_server_starts() {
  local log
  log=$(ls "$TMPDIR"/rightsize-cluster.*/logs/kube-apiserver.log) && printf '%s\n' "${log%/logs/*}" >"$work/starting.up"
}
check "the API server is being started" within 30 api_server_starts
starting=$(first_process starting)
readlink "/proc/$starting/ns/pid" "/proc/$starting/ns/mnt" "/proc/$starting/ns/net" >"$work/starting.namespaces"
disown "$run"
kill -KILL "$run"
nothing_left starting

printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
