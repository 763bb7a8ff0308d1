import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseCpu, parseMemory } from '../../src/api/quantity.ts';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { collectionPath } from '../../src/kube/paths.ts';
import type { Resources } from './admission.ts';
import { kubectl } from './cluster.ts';

/** A pod with one container, as the API server has it. */
export interface StoredPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly containers: readonly { readonly resources: Resources }[] };
  readonly status: {
    readonly phase: string;
    readonly qosClass: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly restartCount: number;
      readonly resources?: Resources;
      readonly state?: { readonly running?: object; readonly terminated?: Ended };
      readonly lastState?: { readonly terminated?: Ended };
    }[];
  };
}

interface Ended {
  readonly reason: string;
}

const PODS = { apiVersion: 'v1', plural: 'pods' };
/** Between two looks: many scenarios look at once. */
const LOOK_MS = 400;

/** Waits until `check` neither throws nor rejects; its last error when that takes longer. */
export async function within<T>(seconds: number, check: () => Promise<T>): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (thrown) {
      if (performance.now() >= end) throw thrown;
      await delay(LOOK_MS);
    }
  }
}

/** Pods of an app that are not being deleted, in the order of their names. */
export async function podsOf(
  connection: KubeConnection,
  namespace: string,
  app: string,
): Promise<readonly StoredPod[]> {
  const query = { labelSelector: `app=${app}` };
  const path = collectionPath(PODS, namespace);
  const { items } = (await connection.request({ method: 'GET', path, query })) as {
    readonly items: readonly StoredPod[];
  };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Sizes of a container in cores and bytes; undefined where nothing is stated. */
export interface Numbers {
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly cpuLimit: number | undefined;
  readonly memoryLimit: number | undefined;
}

export function numbersOf({ requests, limits }: Resources): Numbers {
  const read = (parse: (text: string) => number, text: string | undefined) =>
    text === undefined ? undefined : parse(text);
  return {
    cpu: read(parseCpu, requests?.['cpu']),
    memory: read(parseMemory, requests?.['memory']),
    cpuLimit: read(parseCpu, limits?.['cpu']),
    memoryLimit: read(parseMemory, limits?.['memory']),
  };
}

/** What was asked for of the pod's container. */
export function specOf({ spec }: StoredPod): Numbers {
  return numbersOf(spec.containers[0]?.resources ?? {});
}

/** What the container has, by the kubelet. */
export function actualOf({ status }: StoredPod): Numbers {
  return numbersOf(status.containerStatuses?.[0]?.resources ?? {});
}

export function restartsOf({ status }: StoredPod): number {
  return status.containerStatuses?.[0]?.restartCount ?? 0;
}

export function isRunning({ status }: StoredPod): boolean {
  return status.containerStatuses?.[0]?.state?.running !== undefined;
}

export function isReady({ status }: StoredPod): boolean {
  return (
    status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  );
}

/** `Deferred`, `Infeasible`, … while a resize waits. */
export function pendingReason({ status }: StoredPod): string | undefined {
  return status.conditions?.find(
    ({ type, status: is }) => type === 'PodResizePending' && is === 'True',
  )?.reason;
}

/** `300m 128Mi`, what was asked for, for people. */
export function sizeText({ spec }: StoredPod): string {
  const { requests, limits } = spec.containers[0]?.resources ?? {};
  const text = (amounts: Readonly<Record<string, string>> | undefined) =>
    ['cpu', 'memory'].map((resource) => amounts?.[resource] ?? '-').join('/');
  return `${text(requests)} (${text(limits)})`;
}

/** CPU shares (or weight) and memory limit in bytes of the container's cgroup on this machine. */
export async function cgroupOf(
  pod: StoredPod,
): Promise<{ readonly cpu: number; readonly memory: number }> {
  const id = pod.status.containerStatuses?.[0]?.containerID?.split('//')[1];
  assert.ok(id, `${pod.metadata.name} has no container`);
  const below = (file: string) => findCgroup(`pod${pod.metadata.uid}/${id}`, file);
  return {
    cpu: await below('cpu.shares').catch(() => below('cpu.weight')),
    memory: await below('memory.limit_in_bytes').catch(() => below('memory.max')),
  };
}

const CGROUPS = '/sys/fs/cgroup';

/** The cluster's own cgroup is named as its folder is. */
async function findCgroup(path: string, file: string): Promise<number> {
  const own = basename(process.env['RIGHTSIZE_CLUSTER_DIR'] ?? '');
  for (const hierarchy of ['.', ...(await readdir(CGROUPS))]) {
    for (const qos of ['burstable', '.', 'besteffort']) {
      const whole = join(CGROUPS, hierarchy, own, 'kubepods', qos, path, file);
      const text = await readFile(whole, 'utf8').catch(() => undefined);
      if (text !== undefined) return Number(text);
    }
  }
  throw new Error(`no cgroup of ${path} has ${file}`);
}

/** Has the worker in a pod use so much from now on. */
export async function load(
  namespace: string,
  pod: StoredPod,
  { cpuTurns, memoryMi }: { readonly cpuTurns?: number; readonly memoryMi?: number },
): Promise<void> {
  const write = (file: string, value: number | undefined) =>
    value === undefined ? ':' : `echo ${value} >/load/new && mv /load/new /load/${file}`;
  const script = `${write('cpu', cpuTurns)}; ${write('memory', memoryMi)}`;
  const args = ['-n', namespace, 'exec', pod.metadata.name, '--', 'sh', '-c', script];
  // The container may be about to start.
  await within(60, () => kubectl(...args));
}
