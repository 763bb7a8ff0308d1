#!/usr/bin/env bash
# Runs the operator on real clusters and prints what was seen as a table. The second cluster's kubelet has the static
# CPU manager. KILLS: how often the operator is killed, 200 unless stated. STEADY: for how many seconds 200 workloads with
# nothing to do are watched, 60 unless stated. Ends with "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
export PATH=$PWD/node_modules/.bin:$PATH
if [ -n "${RIGHTSIZE_KUBECONFIG:-}" ]; then
  echo "these tests need the cluster that they start, and its audit log; leave RIGHTSIZE_KUBECONFIG out" >&2
  exit 2
fi
test/cluster/packages.sh prometheus || exit 2
rows=$(mktemp)
output=$(mktemp)
trap 'rm -f "$rows" "$output"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export RIGHTSIZE_AUDIT=1 ACTING_ROWS=$rows
passed=0
failed=0
count() { sed -n "s/^ *\([0-9]\+\) $1\b.*/\1/p" "$output" | tail -n 1; }
run() { # run COMMAND...: mocha on a cluster of its own
  local code=0 bad
  test/cluster/run.sh "$@" 2>&1 | tee "$output" || code=$?
  bad=$(count failing)
  passed=$((passed + $(($(count passing)))))
  if [ "$code" != 0 ] && [ -z "$bad" ]; then bad=1; fi
  failed=$((failed + ${bad:-0}))
}
run mocha 'test/acting/*.test.ts'
RIGHTSIZE_CPU_MANAGER=static run mocha 'test/acting/static/*.test.ts'

node test/acting/table.ts "$rows"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
