import { setTimeout as sleep } from 'node:timers/promises';
import type { PodChanger, ResizeAnswer } from '../controller/changeports.ts';
import type { ClusterView, Pod, WorkloadRef } from '../controller/ports.ts';
import {
  arrivalOf,
  podRevert,
  type PodRevert,
  type TemplateContainer,
} from '../controller/revert.ts';

/** What became of a pod. Back: it runs with what was asked for; of a dry run: nothing stands against it. */
export type PodOutcome =
  | { readonly kind: 'Back' | 'Gone' | 'Untouched' }
  | { readonly kind: 'NotBack'; readonly message: string };

export interface PodTask {
  readonly ref: WorkloadRef;
  readonly template: readonly TemplateContainer[];
  readonly way: PodRevert;
}

export interface PodWorld {
  readonly view: ClusterView;
  readonly changer: PodChanger;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  /** How long a pod may take to run with what was asked for. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const LOOK_MS = 100;
/** A pod that changes all the time is given up. */
const ATTEMPTS = 10;

/** Asks for one pod and waits until it runs so. Rejects with nothing but what the changer rejects with. */
export async function putBack(task: PodTask, world: PodWorld): Promise<PodOutcome> {
  const { isDryRun, signal } = world;
  let { way } = task;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (signal.aborted) return { kind: 'Untouched' };
    if (way.containers.length === 0) return { kind: 'Back' };
    const answer = await asked(way, world);
    if (answer.kind === 'Accepted') {
      return isDryRun ? { kind: 'Back' } : await arrived(task.ref, way, world);
    }
    if ('message' in answer) {
      return { kind: 'NotBack', message: `${answer.kind}: ${answer.message}` };
    }
    if (answer.kind === 'Gone') return { kind: 'Gone' };
    await pause(signal);
    const pod = podNow(task.ref, way.pod, world.view);
    if (pod === undefined) return { kind: 'Gone' };
    const again = podRevert(pod, task.template);
    if (again === undefined) return { kind: 'Back' };
    way = again;
  }
  return { kind: 'NotBack', message: 'it changes all the time' };
}

/** What is on its way to the API server is not called back: then nobody would know whether it was done. */
function asked(way: PodRevert, { changer, isDryRun, signal }: PodWorld): Promise<ResizeAnswer> {
  const options = { isDryRun, signal: isDryRun ? signal : new AbortController().signal };
  return changer.resize(way.pod, way.containers, options);
}

async function arrived(ref: WorkloadRef, way: PodRevert, world: PodWorld): Promise<PodOutcome> {
  const end = performance.now() + (world.patienceMs ?? PATIENCE_MS);
  for (;;) {
    const arrival = arrivalOf(podNow(ref, way.pod, world.view), way.containers);
    if (arrival.kind !== 'Underway') return { kind: arrival.kind === 'There' ? 'Back' : 'Gone' };
    const { message, isFinal } = arrival;
    if (isFinal || performance.now() >= end) return { kind: 'NotBack', message };
    if (world.signal.aborted) {
      return { kind: 'NotBack', message: 'asked for, and not waited for to the end' };
    }
    await pause(world.signal);
  }
}

function podNow(ref: WorkloadRef, { uid }: Pod, view: ClusterView): Pod | undefined {
  return view.pods(ref).find((pod) => pod.uid === uid);
}

/** Ends early, and without an error, when it is interrupted. */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
}
