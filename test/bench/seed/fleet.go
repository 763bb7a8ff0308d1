package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	containersPerNamespace = 50
	podsPerNode            = 40
	hourMillis             = 3600 * 1000
	mebibyte               = 1 << 20
)

type fleetSpec struct {
	count          int
	from, to, step int64
	seed           uint64
}

// workload is one Deployment of one replica with one container, as fleet.json tells of it.
type workload struct {
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	Container   string   `json:"container"`
	Pods        []string `json:"pods"` // the last one runs at the end
	ReplicaSets []string `json:"replicaSets"`
	CPU         float64  `json:"cpu"`                        // request in cores
	Memory      int64    `json:"memory"`                     // request and limit in bytes
	Restarted   int64    `json:"restartedSeconds,omitempty"` // unix seconds of the last restart
}

// life is the time between two starts of a container.
type life struct {
	from, to int64
	pod      string
	replica  string
	uid      string
	id       string
	restarts int
}

// makeFleet gives the workloads and their series. One in ten Deployments was rolled out anew within the window, and
// one in ten containers restarted in its pod: both begin a new series with a counter at zero.
func makeFleet(spec fleetSpec) ([]workload, []seedSeries) {
	workloads := make([]workload, 0, spec.count)
	var series []seedSeries
	for i := range spec.count {
		random := rand.New(rand.NewPCG(spec.seed, uint64(i)))
		each := workload{
			Namespace: fmt.Sprintf("team-%03d", i/containersPerNamespace),
			Name:      fmt.Sprintf("%s-%04d", names[random.IntN(len(names))], i),
			Container: "app",
			CPU:       0.1 * float64(1+random.IntN(20)),
			Memory:    int64(128+64*random.IntN(30)) * mebibyte,
		}
		lives := livesOf(&each, spec, random)
		at := place{spec: spec, node: fmt.Sprintf("10.0.%d.%d", i/podsPerNode/250, i/podsPerNode%250+1)}
		behaviour := newBehaviour(each, random)
		for _, one := range lives {
			series = append(series, at.usage(each, one, behaviour, random.Uint64())...)
		}
		series = append(series, at.state(each, lives)...)
		workloads = append(workloads, each)
	}
	return workloads, series
}

var names = []string{"api", "web", "worker", "cache", "gateway", "billing", "search", "queue"}

func livesOf(each *workload, spec fleetSpec, random *rand.Rand) []life {
	cuts := []int64{spec.from, spec.to}
	isRollout := random.IntN(10) == 0
	if isRollout || random.IntN(10) == 0 {
		span := float64(spec.to - spec.from)
		cuts = []int64{spec.from, spec.from + int64(span*(0.1+0.8*random.Float64())), spec.to}
	}
	var lives []life
	for n := range len(cuts) - 1 {
		one := life{from: cuts[n], to: cuts[n+1], id: fmt.Sprintf("%016x%016x%016x%016x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())}
		if n == 0 || isRollout {
			one.replica = fmt.Sprintf("%s-%s", each.Name, letters(random, 10))
			one.pod = fmt.Sprintf("%s-%s", one.replica, letters(random, 5))
			one.uid = fmt.Sprintf("%08x-0000-4000-8000-%012x", random.Uint32(), random.Uint64()>>16)
			each.Pods = append(each.Pods, one.pod)
			each.ReplicaSets = append(each.ReplicaSets, one.replica)
		} else {
			before := lives[n-1]
			one.pod, one.replica, one.uid, one.restarts = before.pod, before.replica, before.uid, before.restarts+1
			each.Restarted = one.from / 1000
		}
		lives = append(lives, one)
	}
	return lives
}

// letters are those that Kubernetes makes names of.
func letters(random *rand.Rand, count int) string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	text := make([]byte, count)
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

// behaviour is how a container uses what it has: about a mean, by the hour of the day, with bursts.
type behaviour struct {
	cores, swing, noise, burst float64
	memory, growth             float64
	phase                      float64
}

func newBehaviour(each workload, random *rand.Rand) behaviour {
	return behaviour{
		cores:  each.CPU * math.Exp(random.NormFloat64()*0.6-1.6),
		swing:  0.7 * random.Float64(),
		noise:  0.05 + 0.3*random.Float64(),
		burst:  1 + 4*random.Float64(),
		memory: float64(each.Memory) * (0.2 + 0.5*random.Float64()),
		growth: 0.2 * random.Float64(),
		phase:  2 * math.Pi * random.Float64(),
	}
}

type place struct {
	spec fleetSpec
	node string
}

// usage gives the series of cAdvisor for one life of a container, with the labels that kube-prometheus gives them.
func (at place) usage(each workload, one life, how behaviour, seed uint64) []seedSeries {
	common := []string{
		"container", each.Container, "endpoint", "https-metrics",
		"id", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + one.uid + ".slice/cri-containerd-" + one.id + ".scope",
		"image", "registry.example/" + each.Name + ":1.0", "instance", at.node + ":10250", "job", "kubelet",
		"metrics_path", "/metrics/cadvisor", "name", one.id, "namespace", each.Namespace, "node", at.node,
		"pod", one.pod, "service", "prometheus-kubelet",
	}
	cpu := append([]string{"__name__", "container_cpu_usage_seconds_total", "cpu", "total"}, common...)
	memory := append([]string{"__name__", "container_memory_working_set_bytes"}, common...)
	return []seedSeries{
		{labels.FromStrings(cpu...), at.scraped(one, seed, how.cpuSeconds)},
		{labels.FromStrings(memory...), at.scraped(one, seed+1, how.workingSet)},
	}
}

// state gives the series of kube-state-metrics; its samples have the time of the scrape.
func (at place) state(each workload, lives []life) []seedSeries {
	common := []string{"container", "kube-state-metrics", "endpoint", "http", "instance", "10.0.0.1:8080", "job", "kube-state-metrics", "service", "kube-state-metrics"}
	var series []seedSeries
	add := func(one life, value float64, text ...string) {
		all := labels.NewBuilder(labels.FromStrings(common...))
		for i := 0; i < len(text); i += 2 {
			all.Set(text[i], text[i+1])
		}
		series = append(series, seedSeries{all.Set("namespace", each.Namespace).Labels(), at.constant(one, value)})
	}
	for n, one := range lives {
		pod := []string{"pod", one.pod, "uid", one.uid}
		of := func(text ...string) []string { return append(text, pod...) }
		// The counter of restarts is one series of two values, and all else of the pod goes on over a restart.
		if one.restarts > 0 {
			continue
		}
		whole := one
		for _, later := range lives[n+1:] {
			if later.pod == one.pod {
				whole.to = later.to
			}
		}
		add(whole, 1, of("__name__", "kube_pod_owner", "owner_kind", "ReplicaSet", "owner_name", one.replica, "owner_is_controller", "true")...)
		add(whole, 1, "__name__", "kube_replicaset_owner", "replicaset", one.replica, "owner_kind", "Deployment", "owner_name", each.Name, "owner_is_controller", "true")
		add(whole, 1, of("__name__", "kube_pod_status_phase", "phase", "Running")...)
		add(whole, float64(each.Memory), of("__name__", "kube_pod_container_resource_limits", "resource", "memory", "unit", "byte", "container", each.Container)...)
		add(whole, 0, of("__name__", "kube_pod_container_status_restarts_total", "container", each.Container)...)
		last := &series[len(series)-1]
		last.next = at.steps(whole, one.to)
	}
	return series
}
