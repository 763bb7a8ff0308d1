#!/usr/bin/env bash
# Waits until the last process of a cluster is gone, then removes its folder and its cgroups: janitor.sh DATA CGROUP.
# run.sh starts it in a session of its own, so that it also does so after a kill -9 of run.sh.
set -euo pipefail
data=$1
cgroup=$2

# TERM and INT are for the cluster; this ends right after it.
trap '' INT TERM HUP
flock "$data/alive" true

if [ -n "${RIGHTSIZE_KEEP_LOGS:-}" ] && [ -d "$data/logs" ]; then
  mkdir -p "$RIGHTSIZE_KEEP_LOGS"
  cp -r "$data/logs/." "$RIGHTSIZE_KEEP_LOGS" || printf 'could not keep the logs in %s\n' "$RIGHTSIZE_KEEP_LOGS" >&2
fi

mapfile -t hierarchies < <(awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts)
remains() {
  local hierarchy
  for hierarchy in "${hierarchies[@]}"; do
    [ ! -d "$hierarchy/$cgroup" ] || find "$hierarchy/$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [ ! -d "$hierarchy/$cgroup" ] || return 0
  done
  rm -rf --one-file-system "$data" 2>/dev/null || true
  [ -e "$data" ]
}
# The kernel takes a moment to empty the cgroups of killed containers.
for _ in $(seq 100); do
  remains || exit 0
  sleep 0.1
done
printf 'could not remove %s or the cgroups called %s\n' "$data" "$cgroup" >&2
exit 1
