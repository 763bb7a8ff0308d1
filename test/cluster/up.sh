#!/usr/bin/env bash
# Starts a one-node Kubernetes in the namespaces made by inside.sh, and returns when its node is Ready.
set -euo pipefail
data=$CLUSTER_DATA
bin=$CLUSTER_BIN
images=$CLUSTER_IMAGES
cgroup=$CLUSTER_CGROUP
certs=$data/certs
logs=$data/logs
api=https://127.0.0.1:16443
node_address=10.88.0.1
begin=${EPOCHREALTIME/./}
say() { printf '%s\n' "$*" >&2; }
elapsed() { awk -v us=$((${EPOCHREALTIME/./} - begin)) 'BEGIN { printf "%.1f s", us / 1e6 }'; }

mkdir -p "$certs" "$logs" "$data/cni"
say "starting Kubernetes $("$bin/kubelet" --version | cut -d' ' -f2)"

declare -A pids=()
start() { # start NAME COMMAND...
  local name=$1
  shift
  setsid "$@" </dev/null >"$logs/$name.log" 2>&1 &
  pids[$name]=$!
}
fail() { # fail MESSAGE [NAME of the component whose log tells why; otherwise all]
  local log
  for log in "$logs"/${2:-*}.log; do
    say "--- the end of ${log##*/}"
    tail -n $((${2:+20} + 10)) "$log" | cut -c1-400 >&2
  done
  say "$1 (set RIGHTSIZE_KEEP_LOGS to a folder to keep the logs)"
  exit 1
}
until_true() { # until_true SECONDS WHAT COMMAND...
  local seconds=$1 what=$2 give_up=$((SECONDS + $1)) name
  shift 2
  until "$@" >/dev/null 2>&1; do
    for name in "${!pids[@]}"; do
      kill -0 "${pids[$name]}" 2>/dev/null || fail "$name ended while waiting for $what" "$name"
    done
    [ $SECONDS -lt $give_up ] || fail "waited $seconds s in vain for $what"
    sleep 0.1
  done
}

start etcd "$bin/etcd" --data-dir "$data/etcd" --unsafe-no-fsync \
  --listen-client-urls http://127.0.0.1:12379 --advertise-client-urls http://127.0.0.1:12379 \
  --listen-peer-urls http://127.0.0.1:12380 --initial-advertise-peer-urls http://127.0.0.1:12380 \
  --initial-cluster default=http://127.0.0.1:12380

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$certs/$1.key"; }
certificate() { # certificate NAME SUBJECT NAMES: signed by our CA
  key "$1"
  openssl req -new -key "$certs/$1.key" -subj "$2" -out "$certs/$1.csr"
  openssl x509 -req -in "$certs/$1.csr" -CA "$certs/ca.crt" -CAkey "$certs/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
    -days 30 -extfile <(printf 'subjectAltName=%s\n' "$3") -out "$certs/$1.crt" 2>/dev/null
}
key ca
openssl req -x509 -new -key "$certs/ca.key" -subj /CN=rightsize-test-ca -days 30 -out "$certs/ca.crt"
certificate apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1,IP:$node_address"
certificate kubelet /CN=kubelet DNS:localhost,IP:127.0.0.1
certificate apiserver-client /O=system:masters/CN=apiserver-kubelet-client DNS:apiserver
key serviceaccount
openssl ec -in "$certs/serviceaccount.key" -pubout -out "$certs/serviceaccount.pub" 2>/dev/null

admin_token=$(openssl rand -hex 16)
kubelet_token=$(openssl rand -hex 16)
cat >"$data/tokens.csv" <<CSV
$admin_token,admin,admin,system:masters
$kubelet_token,system:node:localhost,kubelet,system:nodes
CSV
kubeconfig() { # kubeconfig USER TOKEN; the CA is written in, so that a copy of the file serves as well
  cat >"$data/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: rightsize-test, cluster: {server: "$api", certificate-authority-data: $(base64 -w0 "$certs/ca.crt")}}]
users: [{name: $1, user: {token: $2}}]
contexts: [{name: rightsize-test, context: {cluster: rightsize-test, user: $1}}]
current-context: rightsize-test
YAML
}
kubeconfig admin "$admin_token"
kubeconfig kubelet "$kubelet_token"

# What the tests want to know of afterwards: what ServiceAccounts write, and what pods were made with and resized to.
audit=()
if [ -n "${RIGHTSIZE_AUDIT:-}" ]; then
  cat >"$data/audit-policy.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: RequestResponse
    verbs: [create, patch]
    resources: [{group: "", resources: [pods, pods/resize]}]
  - level: Request
    verbs: [create, update, patch, delete, deletecollection]
    userGroups: ["system:serviceaccounts"]
  - level: None
YAML
  audit=(--audit-policy-file="$data/audit-policy.yaml" --audit-log-path="$logs/audit.jsonl" --audit-log-format=json)
fi

start kube-apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:12379 \
  --secure-port=16443 --bind-address=0.0.0.0 --advertise-address=$node_address --endpoint-reconciler-type=none \
  --tls-cert-file="$certs/apiserver.crt" --tls-private-key-file="$certs/apiserver.key" --client-ca-file="$certs/ca.crt" \
  --cert-dir="$certs" --token-auth-file="$data/tokens.csv" --authorization-mode=Node,RBAC \
  --kubelet-client-certificate="$certs/apiserver-client.crt" --kubelet-client-key="$certs/apiserver-client.key" \
  --kubelet-certificate-authority="$certs/ca.crt" --kubelet-preferred-address-types=Hostname \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$certs/serviceaccount.pub" \
  --service-account-signing-key-file="$certs/serviceaccount.key" --service-cluster-ip-range=10.0.0.0/24 \
  --enable-admission-plugins=NodeRestriction --allow-privileged=true "${audit[@]}"

cat >"$data/cni/10-e2e.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "e2e", "plugins": [{"type": "bridge", "bridge": "e2e0", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "$data/ipam", "ranges": [[{"subnet": "10.88.0.0/24"}]]}}]}
JSON
# restrict_oom_score_adj: runc may not lower the score where root lacks CAP_SYS_RESOURCE, and no pod would start.
cat >"$data/containerd.toml" <<TOML
version = 2
root = "$data/containerd"
state = "/run/containerd/state"
[plugins."io.containerd.internal.v1.opt"]
  path = "$data/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$data/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
TOML
# cAdvisor in the kubelet finds containerd at its default socket only; /run is the cluster's own here.
start containerd containerd --config "$data/containerd.toml"

# Every hierarchy gets the cluster's own cgroup. In version 1 a new cpuset is empty until it is filled in; in
# version 2 the controllers must be enabled in the parent.
while read -r kind hierarchy; do
  if [ "$kind" = cgroup2 ] && [ -w "$hierarchy/cgroup.subtree_control" ]; then
    read -ra controllers <"$hierarchy/cgroup.controllers" || true
    for controller in "${controllers[@]}"; do
      echo "+$controller" 2>/dev/null >"$hierarchy/cgroup.subtree_control" || true
    done
  fi
  mkdir -p "$hierarchy/$cgroup"
  if [ "$kind" = cgroup2 ] || [ ! -e "$hierarchy/cpuset.cpus" ]; then continue; fi
  for setting in cpuset.cpus cpuset.mems; do
    cat "$hierarchy/$setting" >"$hierarchy/$cgroup/$setting"
  done
done < <(awk '$3 == "cgroup" || $3 == "cgroup2" { print $3, $2 }' /proc/mounts)

# The node is made small (1.5 CPU, 3.4 GiB for pods), so that the scheduler and resizes meet its limits.
above_zero() { echo $(($1 > 0 ? $1 : 0)); }
eviction_mebibytes=200
reserved_cpu=$(above_zero $(($(getconf _NPROCESSORS_ONLN) * 1000 - 1500)))
memory_mebibytes=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
reserved_memory=$(above_zero $((memory_mebibytes - eviction_mebibytes - 3482)))
cat >"$data/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
healthzBindAddress: 127.0.0.1
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failSwapOn: false
makeIPTablesUtilChains: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
tlsCertFile: $certs/kubelet.crt
tlsPrivateKeyFile: $certs/kubelet.key
podLogsDir: $logs/pods
volumePluginDir: $data/kubelet/volume-plugins
resolvConf: ""
clusterDNS: [10.0.0.10]
clusterDomain: cluster.local
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $certs/ca.crt}}
authorization: {mode: Webhook, webhook: {cacheAuthorizedTTL: 5s, cacheUnauthorizedTTL: 1s}}
evictionHard: {memory.available: ${eviction_mebibytes}Mi, nodefs.available: "1%", nodefs.inodesFree: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 5s
systemReserved: {cpu: ${reserved_cpu}m, memory: ${reserved_memory}Mi}
cpuManagerPolicy: ${RIGHTSIZE_CPU_MANAGER:-none}
YAML

until_true 30 "containerd" ctr version
for image in pause busybox; do
  ctr -n k8s.io images import "$images/$image.tar" >"$logs/import-$image.log" 2>&1 || fail "containerd could not import the image $image"
done
kubectl() { KUBECACHEDIR=$data/kubectl "$bin/kubectl" --kubeconfig "$data/admin.kubeconfig" --request-timeout=5s "$@"; }
until_true 60 "the API server" kubectl get --raw /readyz

start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$data/admin.kubeconfig" --leader-elect=false \
  --service-account-private-key-file="$certs/serviceaccount.key" --root-ca-file="$certs/ca.crt" \
  --bind-address=127.0.0.1 --cert-dir="$certs/kube-controller-manager"
start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$data/admin.kubeconfig" --leader-elect=false \
  --bind-address=127.0.0.1 --cert-dir="$certs/kube-scheduler"
# cAdvisor otherwise slows down to one sample in up to 30 s.
start kubelet "$bin/kubelet" --config="$data/kubelet.yaml" --kubeconfig="$data/kubelet.kubeconfig" \
  --root-dir="$data/kubelet" --cert-dir="$data/kubelet/pki" --hostname-override=localhost --node-ip=$node_address \
  --housekeeping-interval=2s --v=2

node_ready() {
  [ "$(kubectl get node localhost -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ] &&
    kubectl get serviceaccount default
}
until_true 60 "the node to be Ready" node_ready
say "node Ready after $(elapsed)"
