#!/usr/bin/env bash
# Builds the Kubernetes and etcd binaries of go.mod into the cache, once, and prints their folder on stdout.
# Skipped when the folder is there already. KUBEBUILDER_ASSETS points at binaries that you have.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
names="etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl"
say() { printf '%s\n' "$*" >&2; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for name in $names; do
    [ -x "$KUBEBUILDER_ASSETS/$name" ] && continue
    say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no executable $name; it must hold: $names (or unset it to have them built)"
    exit 2
  done
  printf '%s\n' "$KUBEBUILDER_ASSETS"
  exit 0
fi

version=$(sed -n 's|^\tk8s.io/kubernetes \(v[^ ]*\).*|\1|p' "$here/go.mod")
cache=${RIGHTSIZE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rightsize}
key=$(cat "$here/go.mod" "$here/go.sum" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-12)
bin=$cache/kubernetes-$version-$key
if [ -f "$bin/complete" ]; then
  printf '%s\n' "$bin"
  exit 0
fi

if ! command -v go >/dev/null; then
  say "building Kubernetes $version needs Go $(sed -n 's/^go //p' "$here/go.mod") or newer on the PATH (or set KUBEBUILDER_ASSETS to a folder with: $names)"
  exit 2
fi
mkdir -p "$cache"
# One builder at a time; a second one waits here and then finds the folder complete.
exec 9>"$bin.lock"
flock 9
if [ -f "$bin/complete" ]; then
  printf '%s\n' "$bin"
  exit 0
fi

cd "$here"
commands="k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kubectl"
say "Building Kubernetes $version and etcd from Go modules into $bin (about 15 minutes on two cores, only the first time)"
go mod download
# shellcheck disable=SC2086
total=$(go list -deps $commands go.etcd.io/etcd/server/v3 | wc -l)
prefix="-X k8s.io/component-base/version.git -X k8s.io/client-go/pkg/version.git"
flags=""
for at in ${prefix//-X /}; do
  flags="$flags -X ${at}Version=$version -X ${at}Major=1 -X ${at}Minor=$(printf %s "$version" | cut -d. -f2)"
done
# A terminal gets a counter that runs; a log gets a line now and then. Packages already in Go's own cache are not counted.
progress() {
  awk -v total="$total" -v tty="$([ -t 2 ] && echo 1)" '{ n++ }
    tty { printf "\r  compiled %d of at most %d packages", n, total > "/dev/stderr" }
    !tty && n % 500 == 0 { printf "  compiled %d of at most %d packages\n", n, total > "/dev/stderr" }
    END { if (tty && n) printf "\n" > "/dev/stderr" }'
}
partial=$bin.partial
rm -rf "$partial"
mkdir -p "$partial"
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
build() { # build OUTPUT LDFLAGS PACKAGE...
  local out=$1 ld=$2
  shift 2
  if ! CGO_ENABLED=0 go build -v -trimpath -buildvcs=false -ldflags="-s -w $ld" -o "$out" "$@" 2> >(tee "$errors" | progress); then
    tail -n 20 "$errors" >&2
    exit 1
  fi
}
# shellcheck disable=SC2086
build "$partial/" "$flags" $commands
build "$partial/etcd" "" go.etcd.io/etcd/server/v3
touch "$partial/complete"
rm -rf "$bin"
mv "$partial" "$bin"
rm -f "$bin.lock"
say "Kubernetes $version is ready in $bin"
printf '%s\n' "$bin"
