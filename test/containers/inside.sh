#!/usr/bin/env bash
# The first process of the engine's namespaces: starts dockerd, runs COMMAND, and ends with its exit code. When it ends,
# the kernel kills every other process here, containers included, and drops mounts and network. run.sh starts it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
data=$ENGINE_DATA
unset ENGINE_DATA
say() { printf '%s\n' "$*" >&2; }

# What dockerd and its containerd write at fixed places is seen and kept in here only. The checkout stays the real one.
exec 4<"$root"
mount -t tmpfs tmpfs /run
mkdir /run/lock
mount -t tmpfs tmpfs /etc/docker
mkdir "$data/opt" "$data/opt.work"
mount -t overlay overlay -o "lowerdir=/opt,upperdir=$data/opt,workdir=$data/opt.work" /opt
[[ $root/ != /opt/* ]] || mount --no-canonicalize --rbind /proc/self/fd/4 "$root"
exec 4<&-
ip link set lo up

# Ports of containers are passed on by docker-proxy; there is no way out, and so nothing to masquerade or to filter.
dockerd --data-root "$data/root" --exec-root "$data/exec" --pidfile "$data/dockerd.pid" --host "unix://$data/engine.sock" \
  --iptables=false --ip6tables=false --ip-masq=false --cgroup-parent "/${data##*/}" >"$data/dockerd.log" 2>&1 &
engine=$!
# It listens before it is ready: what connects then has to wait a moment.
for _ in $(seq 600); do
  [ ! -S "$data/engine.sock" ] || break
  kill -0 "$engine" 2>/dev/null || break
  sleep 0.05
done
export DOCKER_HOST=unix://$data/engine.sock TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 TMPDIR=$data/tmp
# What takes away the containers of a run that was killed is an image of its own; here the namespaces do that.
export TESTCONTAINERS_RYUK_DISABLED=true
if ! version=$(node "$here/engine.ts"); then
  say "the Docker engine did not start; the end of its log:"
  tail -n 15 "$data/dockerd.log" >&2
  exit 1
fi
say "started a Docker engine for this run: $version"
code=0
"$@" 8>&- || code=$?
exit "$code"
