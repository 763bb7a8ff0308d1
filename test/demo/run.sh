#!/usr/bin/env bash
# Installs what the demo needs, and runs it on a fresh cluster (or that of RIGHTSIZE_KUBECONFIG).
set -euo pipefail
if [ -n "${TRACES:-}" ] && [ ! -d "$TRACES" ]; then
  echo "TRACES=$TRACES is not a folder; leave it out to see generated usage" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../cluster/packages.sh" prometheus
exec "$here/../cluster/run.sh" node "$here/demo.ts"
