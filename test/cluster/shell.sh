#!/usr/bin/env bash
# For using a test cluster by hand: run.sh shell.sh
# On a terminal it opens a shell and ends with it; otherwise it waits until it is told to end.
set -euo pipefail

cat >&2 <<TEXT

A one-node Kubernetes is running; it is gone when this ends. KUBECONFIG and kubectl are set up:
  kubectl get nodes
  kubectl run box --image localhost/busybox:1 --image-pull-policy Never -- -c 'sleep 3600'
There is no way out to the network, so images are only these two: localhost/busybox:1, localhost/pause:1.
TEXT
if [ -n "${RIGHTSIZE_CLUSTER_DIR:-}" ]; then
  cat >&2 <<TEXT
From a second terminal (as root):
  nsenter -t $(cat "$RIGHTSIZE_CLUSTER_DIR/pid") -m -n -p $RIGHTSIZE_CLUSTER_DIR/shell
Logs of Kubernetes: $RIGHTSIZE_CLUSTER_DIR/logs
TEXT
fi

if [ -t 0 ] && [ -t 1 ]; then
  printf 'To end it: exit, or Ctrl-D.\n\n' >&2
  # shellcheck disable=SC2016 # PS1 is for the shell that reads this.
  exec bash --rcfile <(printf '%s\n' '[ ! -r ~/.bashrc ] || . ~/.bashrc' 'PS1="(rightsize) $PS1"')
fi
printf 'To end it: Ctrl-C, or SIGTERM.\n\n' >&2
trap 'exit 0' INT TERM
sleep infinity &
wait $!
