#!/usr/bin/env bash
# Runs all checks and tests one after the other, also after one has failed, and ends with "N passed, N failed".
# The first time it installs Debian packages (as root) and builds Kubernetes from Go modules into the cache.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
export PATH=$PWD/node_modules/.bin:$PATH
say() { printf '\n== %s\n' "$*"; }

output=$(mktemp)
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0
failed=0
# What failed, told again at the end: a log is mostly read from there.
failures=$(mktemp)
# mocha ends with "N passing" and "N failing", our shell tests with "N passed, N failed".
count() { # count WORD
  sed -n "s/^ *\([0-9]\+\) $1\b.*/\1/p; s/^.*[^0-9]\([0-9]\+\) $1\$/\1/p" "$output" | tail -n 1
}
suite() { # suite NAME WORD-PASSED WORD-FAILED COMMAND...
  local name=$1 good=$2 bad=$3 code=0
  shift 3
  say "$name"
  "$@" 2>&1 | tee "$output" || code=$?
  counted "$name" "$good" "$bad" "$code"
}
counted() { # counted NAME WORD-PASSED WORD-FAILED EXITCODE: of what stands in $output
  local name=$1 one two code=$4
  one=$(count "$2") two=$(count "$3")
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
# A suite that computes runs beside one that mostly waits; what it says comes when both have ended.
aside=
aside_output=$(mktemp)
begin_aside() { # begin_aside COMMAND...
  "$@" >"$aside_output" 2>&1 &
  aside=$!
}
end_aside() { # end_aside NAME WORD-PASSED WORD-FAILED
  local code=0
  say "$1"
  wait "$aside" || code=$?
  aside=
  cp "$aside_output" "$output"
  cat "$output"
  counted "$1" "$2" "$3" "$code"
}
ended() {
  [ -z "$aside" ] || kill -TERM "$aside" 2>/dev/null
  rm -f "$output" "$failures" "$aside_output"
}
trap ended EXIT
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

if ! test/cluster/packages.sh prometheus victoria-metrics chromium fonts-dejavu-core; then
  failed=$((failed + 1))
fi
single "check" npm run -s check
suite "unit" passing failing npm run -s test:unit
suite "prometheus" passing failing npm run -s test:prometheus
suite "containers" passing failing npm run -s test:containers
suite "replay" passing failing npm run -s test:replay
suite "browser" passing failing npm run -s test:browser
# A plain clone has neither; where one was asked for by name, that it is missing is a failure.
if [ -n "${JUDGE:-}" ] || [ -f ../shared/judge/judge.py ]; then
  begin_aside npm run -s test:judge
fi
suite "cluster" passing failing npm run -s test:cluster
if [ -n "$aside" ]; then
  end_aside "judge" passing failing
else
  say "judge"
  echo "left out: it needs JUDGE, the folder of judge.py, and TRACES, that of the traces"
fi
suite "end to end" passing failing npm run -s test:e2e
single "demo" env DEMO=once test/demo/run.sh
if [ -z "${RIGHTSIZE_KUBECONFIG:-}" ]; then
  suite "leftovers" passed failed npm run -s test:leftovers
  suite "leftovers of the Docker engine" passed failed npm run -s test:containers:leftovers
fi

say "all"
cat "$failures"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
