#!/usr/bin/env bash
# Installs what the demo needs, and runs it on a fresh cluster (or that of RIGHTSIZE_KUBECONFIG).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../cluster/packages.sh" prometheus
exec "$here/../cluster/run.sh" node "$here/demo.ts"
