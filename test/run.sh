#!/usr/bin/env bash
# Runs all checks and tests, also after one has failed, and ends with "N passed, N failed". What needs a cluster mostly
# waits: beside it run those that compute, with what they print shown at the end of them all.
# The first time it installs Debian packages (as root) and builds Kubernetes from Go modules into the cache.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
export PATH=$PWD/node_modules/.bin:$PATH
say() { printf '\n== %s\n' "$*"; }
exec 3>&1

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
  "$@" 2>&1 3>&- | tee "$output" || code=$?
  one=$(count "$good") two=$(count "$bad")
  # A suite that broke before it could count is a failure as well.
  if [ "$code" != 0 ] && [ "${two:-0}" = 0 ]; then two=1; fi
  if [ "$code" != 0 ]; then
    echo "$name:"
    # Of mocha what stands after "N failing", of our shell tests the lines of those that failed.
    sed -n '/^ *[0-9]\+ failing/,$p; /^ *WRONG/p' "$output" | grep -v '^ *$' | head -n 12
  fi >>"$failures"
  if [ "$code" = 0 ] && [ -z "$one" ]; then
    echo "$name ran no test"
    two=1
  fi
  passed=$((passed + ${one:-0}))
  failed=$((failed + ${two:-0}))
  tell_beside "$name: ${one:-0} passed, ${two:-0} failed"
}
single() { # single NAME COMMAND...: a command that is one test by itself
  local name=$1
  shift
  say "$name"
  if "$@" 3>&-; then
    passed=$((passed + 1))
    tell_beside "$name: passed"
  else
    failed=$((failed + 1))
    echo "$name: failed" >>"$failures"
    tell_beside "$name: failed"
  fi
}

# A plain clone has neither; where one was asked for by name, that it is missing is a failure.
has_judge() { [ -n "${JUDGE:-}" ] || [ -f ../shared/judge/judge.py ]; }
computing() {
  single "check" npm run -s check
  suite "unit" passing failing npm run -s test:unit
  suite "prometheus" passing failing npm run -s test:prometheus
  suite "containers" passing failing npm run -s test:containers
  : >"$work/containers-over"
  suite "replay" passing failing npm run -s test:replay
  suite "browser" passing failing npm run -s test:browser
  if has_judge; then
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

beside= # the process, and the group
is_beside=
# What runs beside is shown at the end; that it goes on, at once.
tell_beside() { [ -z "$is_beside" ] || printf '\n-- beside, %s\n' "$*" >&3; }
# Nothing else ends it where this process is killed.
watch_over() { # watch_over PROCESS
  while kill -0 "$1" 2>/dev/null; do sleep 2; done
  rm -rf "$work"
  kill -KILL 0
}
begin_beside() { # begin_beside COMMAND: in a process group of its own, which can be ended as a whole
  set -m
  (
    trap 'exit 143' TERM
    is_beside=1 passed=0 failed=0 output=$work/output.beside
    watch_over $$ 3>&- >/dev/null &
    watcher=$!
    renice -n 5 "$BASHPID" >/dev/null
    "$1"
    kill "$watcher"
    echo "$passed $failed" >"$work/counts"
  ) </dev/null >"$work/beside" 2>&1 &
  beside=$!
  set +m
}
end_beside() {
  local code=0 one= two=
  wait "$beside" || code=$?
  beside=
  cat "$work/beside"
  read -r one two <"$work/counts"
  if [ "$code" != 0 ] || [[ ! "$one $two" =~ ^[0-9]+\ [0-9]+$ ]]; then
    echo "what ran beside did not end as it should" | tee -a "$failures"
    one=0 two=1
  fi
  passed=$((passed + one))
  failed=$((failed + two))
}
ended() {
  trap '' INT TERM
  if [ -n "$beside" ]; then
    cat "$work/beside"
    echo "ending what runs beside"
    kill -TERM -- "-$beside" 2>/dev/null
    wait "$beside"
  fi
  rm -rf "$work"
}
trap ended EXIT

# Before anything is measured by the clock, and before a cluster sees the folders that packages go to.
if ! test/cluster/packages.sh prometheus victoria-metrics chromium fonts-dejavu-core; then
  failed=$((failed + 1))
fi
prepare() { # prepare COMMAND...
  "$@" >/dev/null || echo "not prepared: $* failed; what needs it tries again"
}
prepare test/containers/run.sh --prepare
if has_judge; then prepare test/judge/python.sh; fi
if [ -z "${RIGHTSIZE_KUBECONFIG:-}" ]; then prepare test/cluster/run.sh --prepare; fi

begin_beside computing
on_a_cluster
if [ -z "${RIGHTSIZE_KUBECONFIG:-}" ]; then
  # What a Docker engine of the machine has open for them would pass for something that was left.
  until [ -e "$work/containers-over" ] || ! kill -0 "$beside" 2>/dev/null; do sleep 1; done
  suite "leftovers" passed failed npm run -s test:leftovers
  suite "leftovers of the Docker engine" passed failed npm run -s test:containers:leftovers
fi
end_beside

say "all"
cat "$failures"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
