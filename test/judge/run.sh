#!/usr/bin/env bash
# Holds our own backtest against an independent judge of recommendations: JUDGE is the folder of its judge.py, TRACES
# that of the traces, by default ../shared/judge and ../shared/traces beside the repository.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shared=$here/../../../shared
judge=${JUDGE:-$shared/judge}
traces=${TRACES:-$shared/traces}
if [ ! -f "$judge/judge.py" ] || [ ! -d "$traces" ]; then
  echo "needed: judge.py in the folder JUDGE ($judge), and the folder TRACES ($traces)" >&2
  exit 2
fi

python=$("$here/python.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$here/../.."
JUDGE=$judge TRACES=$traces JUDGE_PYTHON=$python JUDGE_WORK=$work mocha "$here/*.test.ts"
