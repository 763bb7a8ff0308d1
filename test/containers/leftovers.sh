#!/usr/bin/env bash
# Shows that a Docker engine that run.sh starts goes without a trace however the run ends: by itself, Ctrl-C, SIGTERM,
# kill -9. After each case the machine must be as before: processes, mounts, cgroups, interfaces, settings, folders.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then
  printf 'leftovers.sh needs root on Linux, as run.sh does to start an engine\n' >&2
  exit 2
fi
"$here/../cluster/packages.sh" docker.io victoria-metrics procps util-linux || exit 2
work=$(mktemp -d)
export TMPDIR=$work/tmp RIGHTSIZE_OWN_ENGINE=1
mkdir "$TMPDIR"
run=
clean() {
  [ -z "$run" ] || kill -KILL "$run" 2>/dev/null || true
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
ends_with() { # ends_with CODE
  local code=0
  wait "$run" || code=$?
  run=
  [ "$code" = "$1" ] || { printf '        it was %s\n' "$code" && return 1; }
}
machine() {
  printf 'mounts\n' && sort /proc/mounts
  printf 'interfaces\n' && ls /sys/class/net
  printf 'settings\n'
  sysctl -e net.ipv4.ip_forward net.ipv4.conf.all.forwarding net.bridge.bridge-nf-call-iptables kernel.keys.root_maxkeys
  printf 'folders\n'
  find /run/docker* /run/containerd /run/netns /etc/docker /opt/containerd /var/lib/docker /var/lib/containerd -maxdepth 1 2>/dev/null || true
}
machine >"$work/before"
as_before() { machine | diff "$work/before" - >"$work/difference"; }
# By the folder in their command line, by their cgroup (what runs in containers), and by their namespaces.
processes_gone() { # processes_gone NAME
  local process
  ! grep -qsF -f "$work/$1.folder" /proc/[0-9]*/cmdline /proc/[0-9]*/cgroup || return 1
  for process in /proc/[0-9]*; do
    ! readlink "$process/ns/pid" "$process/ns/mnt" "$process/ns/net" 2>/dev/null | grep -qxFf "$work/$1.namespaces" || return 1
  done
}
# What else makes folders for temporary files, such as a cache of Node, is not the engine's.
folders_gone() { [ -z "$(find "$TMPDIR" -maxdepth 1 -name 'rightsize-*')" ]; }
cgroups_gone() { [ -z "$(find /sys/fs/cgroup -type d -name "$(cat "$work/$1.folder")")" ]; }
is_up() { # is_up NAME: and what nothing_left looks for is there to be seen
  within 60 test -s "$work/$1.up" || return 1
  # The engine's folder is called as its cgroup is.
  basename "$(dirname "$(cat "$work/$1.up")")" >"$work/$1.folder"
  ! folders_gone && ! processes_gone "$1" && ! cgroups_gone "$1"
}
nothing_left() { # nothing_left NAME
  check "no process of the engine is left" within 15 processes_gone "$1"
  check "its temporary folder is gone" within 15 folders_gone
  folders_gone || ls -lA "$TMPDIR"
  check "its cgroups are gone" within 15 cgroups_gone "$1"
  check "mounts, interfaces, kernel settings and folders are as before" within 15 as_before
  [ ! -s "$work/difference" ] || cat "$work/difference"
}
# COMMAND of every case: with a server running there are containers, mounts, interfaces and cgroups to take away.
cat >"$work/command" <<COMMAND
#!/usr/bin/env bash
name=\$1
shift
readlink /proc/self/ns/pid /proc/self/ns/mnt /proc/self/ns/net >"$work/\$name.namespaces"
exec node "$here/stay.ts" "$work/\$name.up" "\$@"
COMMAND
chmod 755 "$work/command"
begin() { # begin NAME [SECONDS EXITCODE]: leaves the process id of run.sh in $run
  "$here/run.sh" "$work/command" "$@" 2>"$work/$1.log" &
  run=$!
}

printf 'the command ends by itself\n'
begin own 2 7
check "the engine comes up" is_up own
check "the exit code is the command's" ends_with 7
nothing_left own

printf 'SIGTERM to run.sh\n'
begin term
check "the engine comes up" is_up term
kill -TERM "$run"
check "the exit code is 143" ends_with 143
nothing_left term

printf 'Ctrl-C on a terminal\n'
mkfifo "$work/keys"
exec 7<>"$work/keys"
# bash starts background commands with SIGINT ignored; a terminal does not.
env --default-signal=INT,QUIT script -qec "$here/run.sh $work/command terminal" /dev/null \
  <"$work/keys" >/dev/null 2>&1 7>&- &
run=$!
check "the engine comes up" is_up terminal
printf '\003' >&7
check "the exit code is 130" ends_with 130
exec 7>&-
nothing_left terminal

printf 'kill -9 of run.sh\n'
begin killed
check "the engine comes up" is_up killed
disown "$run"
kill -KILL "$run"
run=
nothing_left killed

printf 'kill -9 of unshare\n'
begin unshared
check "the engine comes up" is_up unshared
kill -KILL "$(pgrep -P "$run" -x unshare)"
check "the exit code is 137" ends_with 137
nothing_left unshared

printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
