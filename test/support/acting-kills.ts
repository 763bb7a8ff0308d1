import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scene } from './acting.ts';
import { actualOf, isReady, pendingReason, sizeText, specOf, within } from './acting-pods.ts';
import { changesOf, changeWords, heldOf, recommendationOf } from './acting-records.ts';
import { picky, workloadObject, type ActingWorkload } from './acting-workloads.ts';
import { apply } from './cluster.ts';
import { random } from './history-generator.ts';
import type { RunningOperator } from './operator.ts';

const MI = 2 ** 20;
/**
 * How many workloads there are at a time: one that goes has been there for longer than changes are watched. They take
 * 0.8 cores and 2.4 GiB of the node, which has 1.5 and 3.5: where there is no room, nothing is raised or goes back.
 */
const LIVING = 20;
const LONGEST_MS = 6000;
const SEED = 17;

const KINDS = ['fat', 'thin', 'picky', 'bare'] as const;
type Kind = (typeof KINDS)[number];

function kindOf(kill: number): Kind {
  return KINDS[kill % KINDS.length] ?? 'fat';
}

/** The workload that comes with a kill: too large, too small, harmed by what is saved, or only to be had by eviction. */
export function workloadOf(kill: number): ActingWorkload {
  const kind = kindOf(kill);
  const name = `${kind}-${kill}`;
  const sized = (cpu: string, memory: string) => ({
    requests: { cpu, memory },
    limits: { memory },
  });
  const base = { kind: 'Deployment', name, days: 1.2, used: { cpu: 0.01, memoryMi: 20 } } as const;
  switch (kind) {
    case 'fat':
      return { ...base, resources: sized('30m', '160Mi') };
    case 'thin':
      return { ...base, resources: sized('10m', '36Mi'), used: { cpu: 0.02, memoryMi: 45 } };
    case 'picky':
      return { ...base, resources: sized('30m', '160Mi'), script: picky(120) };
    case 'bare':
      return { ...base, resources: {}, replicas: 2 };
  }
}

/** Whether a pod has what it ought to have in the end: sized, or back where it was when that did harm. */
const IS_RIGHT: Readonly<Record<Kind, (sizes: { cpu: number; memoryMi: number }) => boolean>> = {
  // With a day of history CPU is not lowered much.
  fat: ({ cpu, memoryMi }) => memoryMi < 120 && cpu <= 0.03,
  thin: ({ memoryMi }) => memoryMi > 80,
  // CPU may have come down before, which did no harm.
  picky: ({ cpu, memoryMi }) => memoryMi === 160 && cpu <= 0.03,
  bare: ({ cpu, memoryMi }) => memoryMi > 0 && cpu > 0,
};

/** Throws unless the workload is as it ought to be, and nothing is under way. */
export async function assertSettled(scene: Scene, kill: number): Promise<void> {
  const { name, replicas = 1 } = workloadOf(kill);
  const pods = await scene.pods(name);
  const words = pods.map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status)}`);
  assert.equal(pods.filter(isReady).length, replicas, `${name} is ready: ${words.join('; ')}`);
  for (const pod of pods) {
    assert.equal(pendingReason(pod), undefined, name);
    assert.deepEqual(actualOf(pod), specOf(pod), name);
    const { cpu = 0, memoryLimit = 0 } = specOf(pod);
    const isRight = IS_RIGHT[kindOf(kill)]({ cpu, memoryMi: memoryLimit / MI });
    if (!isRight) {
      const found = await recommendationOf(scene, `deployment-${name}`);
      assert.fail(
        `${pod.metadata.name} has ${sizeText(pod)}: ${heldOf(found)}; ${changeWords(found)}`,
      );
    }
  }
}

/** Throws while something of the workload is still to be judged, or a harm was not taken back. */
export async function assertJudged(scene: Scene, kill: number): Promise<string> {
  const { name } = workloadOf(kill);
  const changes = changesOf(await recommendationOf(scene, `deployment-${name}`));
  const watched = changes.filter(({ outcome }) => outcome === 'Watching');
  assert.deepEqual(watched, [], `${name}: still watched`);
  return changes.map(({ lane, outcome }) => `${lane} ${outcome}`).join(', ');
}

interface Killed {
  /** Milliseconds of the wall clock. */
  readonly atMs: readonly number[];
  /** Kills whose workloads are there still. */
  readonly living: readonly number[];
}

/** Kills the leader again and again while it acts; a standby takes over each time. */
export async function killOften(scene: Scene, kills: number): Promise<Killed> {
  const atMs: number[] = [];
  let living: readonly number[] = [];
  let current = scene.world.operator();
  for (let kill = 0; kill < kills; kill++) {
    await within(60, () => leads(current));
    const next = await scene.world.start();
    await apply(workloadObject(scene.namespace, workloadOf(kill)));
    // Mostly soon, now and then late.
    await delay(random(SEED, kill) ** 2 * LONGEST_MS);
    await current.end('SIGKILL');
    atMs.push(Date.now());
    await giveLeaseFree(scene);
    current = next;
    living = await retired(scene, [...living, kill]);
  }
  await within(60, () => leads(current));
  return { atMs, living };
}

/** The eldest goes, when there are enough; it must be settled by then. */
async function retired(scene: Scene, living: readonly number[]): Promise<readonly number[]> {
  const [eldest, ...others] = living;
  if (eldest === undefined || living.length <= LIVING) return living;
  // A container that failed again and again is begun anew by the kubelet after five minutes at the latest.
  await within(330, () => assertSettled(scene, eldest));
  await scene.kubectl('delete', 'deployment', workloadOf(eldest).name, '--wait=false');
  return others;
}

async function leads({ url }: RunningOperator): Promise<void> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
  assert.match(await response.text(), /^rightsize_leader 1$/m);
}

/** What would come about 15 s after a kill; whoever held it does not run any more. */
async function giveLeaseFree({ connection, world }: Scene): Promise<void> {
  await connection.request({
    method: 'PATCH',
    path: `/apis/coordination.k8s.io/v1/namespaces/${world.system}/leases/rightsize`,
    contentType: 'application/merge-patch+json',
    body: { spec: { holderIdentity: null } },
  });
}
