import assert from 'node:assert/strict';
import type { SeenPod } from '../../src/controller/changeports.ts';
import type { Amounts } from '../../src/recommend/usage.ts';
import type { PatchedContainer } from '../../src/resize/podplan.ts';
import type { Resources } from './admission.ts';
import { kubectl, until } from './cluster.ts';
import { MI } from './builders.ts';

const SHELL = {
  image: 'localhost/busybox:1',
  imagePullPolicy: 'Never',
  command: ['sleep', '1000'],
};

export const SMALL: Resources = {
  requests: { cpu: '20m', memory: '16Mi' },
  limits: { cpu: '100m', memory: '64Mi' },
};

interface PodSetup {
  readonly namespace: string;
  readonly name: string;
  readonly resources?: Resources;
  /** Of a native sidecar, which the pod has only when this is stated. */
  readonly sidecar?: Resources;
}

/** A pod whose container `main`, and `proxy` where it has a sidecar, do nothing; it is labelled with its name. */
export function idlePod({ namespace, name, resources = SMALL, sidecar }: PodSetup): object {
  const proxy = { name: 'proxy', restartPolicy: 'Always', ...SHELL, resources: sidecar };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', ...SHELL, resources }],
      ...(sidecar !== undefined && { initContainers: [proxy] }),
    },
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly resources?: Resources;
}

interface StoredPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
    readonly generation: number;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly resources: Resources }[];
  };
  readonly status: {
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export async function podAt(namespace: string, name: string): Promise<StoredPod> {
  return JSON.parse(await kubectl('-n', namespace, 'get', 'pod', name, '-o', 'json')) as StoredPod;
}

export function seen({ metadata }: StoredPod): SeenPod {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { namespace, name, uid, resourceVersion };
}

/** What the kubelet says that the containers have, and how often they were restarted. */
function actualOf({ status }: StoredPod): Readonly<Record<string, readonly unknown[]>> {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  return Object.fromEntries(
    all.map(({ name, resources, restartCount }) => [name, [resources, restartCount]]),
  );
}

/** Waits until the kubelet says that the containers have these sizes and never restarted. */
export async function awaitActual(
  { namespace, name }: SeenPod,
  want: Readonly<Record<string, Resources>>,
): Promise<void> {
  const expected = Object.entries(want).map(([container, sizes]) => [container, [sizes, 0]]);
  await until(15_000, async () =>
    assert.deepEqual(actualOf(await podAt(namespace, name)), Object.fromEntries(expected)),
  );
}

interface Wish {
  readonly name?: string;
  readonly kind?: PatchedContainer['kind'];
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}

/** A container as the core hands it over: only `to` is asked for. Of `main` unless stated. */
export function wanted({ name = 'main', kind = 'Container', ...to }: Wish): PatchedContainer {
  const nothing = { requests: {}, limits: {} };
  return { name, kind, from: nothing, to: { ...nothing, ...to } };
}

export const mebibytes = (count: number): number => count * MI;
