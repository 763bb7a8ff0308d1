#!/usr/bin/env bash
# Runs all checks and tests, also after one has failed, and ends with "N passed, N failed". What needs a cluster mostly
# waits: beside it run those that compute, with what they print shown at the end of them all.
# The first time it installs Debian packages (as root) and builds Kubernetes from Go modules into the cache.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
export PATH=$PWD/node_modules/.bin:$PATH
say() { printf '\n== %s\n' "$*"; }

work=$(mktemp -d)
# Hundreds of processes are started: with it Node need not strip the types of each anew.
export NODE_COMPILE_CACHE=$work/compiled
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0
failed=0
output=$work/output
# What failed, told again at the end: a log is mostly read from there.
failures=$work/failures
: >"$failures"
# mocha ends with "N passing" and "N failing", our shell tests with "N passed, N failed".
count() { # count WORD
  sed -n "s/^ *\([0-9]\+\) $1\b.*/\1/p; s/^.*[^0-9]\([0-9]\+\) $1\$/\1/p" "$output" | tail -n 1
}
suite() { # suite NAME WORD-PASSED WORD-FAILED COMMAND...
  local name=$1 good=$2 bad=$3 code=0 one two
  shift 3
  say "$name"
  "$@" 2>&1 | tee "$output" || code=$?
  one=$(count "$good") two=$(count "$bad")
  passed=$((passed + ${one:-0}))
  failed=$((failed + ${two:-0}))
  # A suite that broke before it could count is a failure as well.
  if [ "$code" != 0 ] && [ "${two:-0}" = 0 ]; then failed=$((failed + 1)); fi
  if [ "$code" != 0 ]; then
    echo "$name:"
    # Of mocha what stands after "N failing", of our shell tests the lines of those that failed.
    sed -n '/^ *[0-9]\+ failing/,$p; /^ *WRONG/p' "$output" | grep -v '^ *$' | head -n 12
  fi >>"$failures"
  if [ "$code" = 0 ] && [ -z "$one" ]; then
    echo "$name ran no test"
    failed=$((failed + 1))
  fi
}
single() { # single NAME COMMAND...: a command that is one test by itself
  say "$1"
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "$1: failed" >>"$failures"
  fi
}

computing() {
  single "check" npm run -s check
  suite "unit" passing failing npm run -s test:unit
  suite "prometheus" passing failing npm run -s test:prometheus
  suite "containers" passing failing npm run -s test:containers
  suite "replay" passing failing npm run -s test:replay
  suite "browser" passing failing npm run -s test:browser
  # A plain clone has neither; where one was asked for by name, that it is missing is a failure.
  if [ -n "${JUDGE:-}" ] || [ -f ../shared/judge/judge.py ]; then
    suite "judge" passing failing npm run -s test:judge
  else
    say "judge"
    echo "left out: it needs JUDGE, the folder of judge.py, and TRACES, that of the traces"
  fi
}
on_a_cluster() {
  suite "cluster" passing failing npm run -s test:cluster
  suite "end to end" passing failing npm run -s test:e2e
  single "demo" env DEMO=once test/demo/run.sh
}

beside=
begin_beside() { # begin_beside COMMAND: in a process group of its own, which can be ended as a whole
  set -m
  (
    trap 'exit 130' INT
    trap 'exit 143' TERM
    output=$work/output.beside
    renice -n 10 "$BASHPID" >/dev/null
    "$1"
    echo "$passed $failed" >"$work/counts"
  ) </dev/null >"$work/beside" 2>&1 &
  beside=$!
  set +m
}
end_beside() {
  local one=0 two=1
  wait "$beside"
  beside=
  cat "$work/beside"
  read -r one two <"$work/counts"
  passed=$((passed + one))
  failed=$((failed + two))
}
ended() {
  if [ -n "$beside" ]; then
    kill -INT -- "-$beside" 2>/dev/null
    wait "$beside"
  fi
  rm -rf "$work"
}
trap ended EXIT

# Before anything is measured by the clock: the first time this takes long.
if ! test/cluster/packages.sh prometheus victoria-metrics chromium fonts-dejavu-core; then
  failed=$((failed + 1))
fi
if [ -z "${RIGHTSIZE_KUBECONFIG:-}" ]; then test/cluster/run.sh --prepare; fi

begin_beside computing
on_a_cluster
end_beside
if [ -z "${RIGHTSIZE_KUBECONFIG:-}" ]; then
  suite "leftovers" passed failed npm run -s test:leftovers
  suite "leftovers of the Docker engine" passed failed npm run -s test:containers:leftovers
fi

say "all"
cat "$failures"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
