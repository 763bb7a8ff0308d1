import { formatCpu, formatMemory } from '../../src/api/quantity.ts';
import type { Amounts } from '../../src/recommend/usage.ts';
import { demoLimitRange, DEMO_NAMESPACES, type DemoWorkload } from '../support/demo-workloads.ts';

/** Pods only have to be there: their usage comes from Prometheus' memory, not from what they do. */
const IMAGE = process.env['RIGHTSIZE_DEMO_IMAGE'] ?? 'localhost/busybox:1';

type KubernetesObject = Readonly<Record<string, unknown>>;

/** The Kubernetes objects of the demo: namespaces, LimitRange, workloads, autoscalers. */
export function demoObjects(workloads: readonly DemoWorkload[]): readonly KubernetesObject[] {
  return [
    ...DEMO_NAMESPACES.map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'rightsize.dev/demo': 'true' } },
    })),
    limitRange(),
    ...workloads.flatMap(workloadObjects),
  ];
}

function limitRange(): KubernetesObject {
  const { namespace, min, max } = demoLimitRange;
  return {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { namespace, name: 'limits' },
    spec: { limits: [{ type: 'Container', min: quantities(min), max: quantities(max) }] },
  };
}

function quantities({ cpu, memory }: Amounts): Readonly<Record<string, string>> {
  return {
    ...(cpu !== undefined && { cpu: formatCpu(cpu) }),
    ...(memory !== undefined && { memory: formatMemory(memory) }),
  };
}

function workloadObjects(workload: DemoWorkload): readonly KubernetesObject[] {
  const { ref, autoscaledAtPercent } = workload;
  const apiVersion = ref.kind === 'CronJob' ? 'batch/v1' : 'apps/v1';
  const labels = { app: ref.name };
  const metadata = {
    namespace: ref.namespace,
    name: ref.name,
    labels,
    annotations: { 'rightsize.dev/shows': workload.shows },
  };
  const object = { apiVersion, kind: ref.kind, metadata, spec: specOf(workload, labels) };
  return autoscaledAtPercent === undefined
    ? [object]
    : [object, autoscaler(workload, apiVersion, autoscaledAtPercent)];
}

function specOf(workload: DemoWorkload, labels: Readonly<Record<string, string>>): object {
  const pod = podSpec(workload);
  switch (workload.ref.kind) {
    case 'CronJob':
      return {
        schedule: workload.schedule,
        // It is here to be sized, not to run while the demo does.
        suspend: true,
        jobTemplate: { spec: { template: { spec: { ...pod, restartPolicy: 'Never' } } } },
      };
    case 'DaemonSet':
      return { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
    case 'Deployment':
    case 'StatefulSet':
    case 'Job':
    case 'Rollout':
      return {
        replicas: workload.replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: pod },
      };
  }
}

function podSpec({ containers }: DemoWorkload): object {
  return {
    terminationGracePeriodSeconds: 0,
    containers: containers.map(({ name, sizes }) => ({
      name,
      image: IMAGE,
      imagePullPolicy: 'IfNotPresent',
      command: ['sh', '-c', 'sleep 86400'],
      resources: { requests: quantities(sizes.requests), limits: quantities(sizes.limits) },
    })),
  };
}

function autoscaler(
  { ref, replicas }: DemoWorkload,
  apiVersion: string,
  averageUtilization: number,
): KubernetesObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace: ref.namespace, name: ref.name },
    spec: {
      scaleTargetRef: { apiVersion, kind: ref.kind, name: ref.name },
      minReplicas: replicas,
      maxReplicas: 10,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
        },
      ],
    },
  };
}
