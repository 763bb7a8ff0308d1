import type { TemplateAnswer, TemplateChanger } from '../controller/changeports.ts';
import { gather } from '../controller/gather.ts';
import { workloadKey, type ClusterView, type Workload } from '../controller/ports.ts';
import type { TemplateContainer } from '../controller/revert.ts';
import {
  actorOf,
  newPodsNote,
  workloadRevert,
  type WorkloadRevert,
} from '../controller/revertplan.ts';
import { KubeError, isKubeError } from '../kube/errors.ts';
import { createPodChanger } from '../kube/podchanger.ts';
import { createTemplateChanger } from '../kube/templates.ts';
import { ALONE } from '../recommend/fleet.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { Context } from './clusterview.ts';
import { policyFromFlags } from './policyflags.ts';
import type { OpenCluster } from './revertcluster.ts';
import { putBack, type PodOutcome, type PodTask } from './revertpods.ts';
import { chosenWorkloads, type ChosenWorkload, type Scope } from './revertscope.ts';
import { noticed, suspend } from './revertsuspend.ts';

/** What was done, or would be, of one workload. */
export interface WorkloadResult {
  readonly plan: WorkloadRevert;
  /** Why nothing of it is put back, as a sentence. */
  refusal: string | undefined;
  template: 'Untouched' | 'GivenBack' | { readonly message: string };
  /** By pod uid; one that is not in it was not touched. */
  readonly pods: Map<string, PodOutcome>;
  /** What becomes of pods to come, where that is not what the template says. */
  newPods: string | undefined;
}

export interface RevertResult {
  readonly isDryRun: boolean;
  readonly workloads: readonly WorkloadResult[];
  /** Those that are suspended by now, or would be. */
  readonly suspended: readonly Workload[];
}

export interface RevertOptions {
  readonly scope: Scope;
  readonly isDryRun: boolean;
  readonly suspends: boolean;
}

const PODS_AT_ONCE = 4;

/** Rejects with BadInput for a scope that is not there. An interruption ends it early: what was not reached is untouched. */
export async function revert(
  open: OpenCluster,
  options: RevertOptions,
  context: Context,
): Promise<RevertResult> {
  const chosen = chosenWorkloads(open.cluster, options.scope);
  const suspensions = options.suspends ? await suspendAll(open, chosen, options, context) : NONE;
  const results = chosen.flatMap((each) => {
    const plan = planOf(open, each);
    return plan === undefined ? [] : [resultOf(open.cluster, plan, suspensions)];
  });
  const world = { open, options, context };
  await giveTemplatesBack(results, world);
  await putPodsBack(results, world);
  for (const result of results) {
    const { workload } = result.plan;
    const isSuspended = suspensions.done.includes(workload);
    result.newPods = noteOf(open.cluster, workload, isSuspended, options);
  }
  return { isDryRun: options.isDryRun, workloads: results, suspended: suspensions.done };
}

interface Suspensions {
  readonly done: readonly Workload[];
  /** By workload key: why it could not be. */
  readonly refused: ReadonlyMap<string, string>;
}

const NONE: Suspensions = { done: [], refused: new Map() };

/** All that a policy acts on, so that what has its template's sizes now keeps them too. */
async function suspendAll(
  { connection, cluster }: OpenCluster,
  chosen: readonly ChosenWorkload[],
  { isDryRun }: RevertOptions,
  { signal, progress }: Context,
): Promise<Suspensions> {
  const now = SYSTEM_CLOCK.nowSeconds();
  const done: Workload[] = [];
  const refused = new Map<string, string>();
  for (const { workload } of chosen) {
    if (actorOf(cluster, workload, now) === undefined) continue;
    progress.show(`suspending ${workloadKey(workload.ref)}`);
    const refusal = await suspend(connection, workload, { isDryRun, signal });
    if (refusal === undefined) done.push(workload);
    else refused.set(workloadKey(workload.ref), refusal);
  }
  if (!isDryRun && done.length > 0) {
    progress.show('waiting for the operator to take notice');
    await noticed(cluster, done, signal);
  }
  return { done, refused };
}

function planOf(
  { cluster: view, traces }: OpenCluster,
  { workload, isNamed }: ChosenWorkload,
): WorkloadRevert | undefined {
  const template = templateOf(view, workload);
  return workloadRevert(workload, { view, traces, isNamed, template });
}

/** What the recommender calls current: what is stated, completed by limits and LimitRanges. */
function templateOf(view: ClusterView, workload: Workload): readonly TemplateContainer[] {
  const { policy } = policyFromFlags({});
  const { containers } = gather(view, workload, {
    governance: { policy, mode: 'Recommend', modes: new Map(), settings: new Map() },
    usage: { containers: new Map() },
    stored: undefined,
    fleet: ALONE,
    nowSeconds: 0,
  });
  return containers.map(({ name, current }) => ({ name, sizes: current }));
}

function resultOf(
  view: ClusterView,
  plan: WorkloadRevert,
  { done, refused }: Suspensions,
): WorkloadResult {
  const { workload } = plan;
  return {
    plan,
    refusal: done.includes(workload)
      ? undefined
      : (refused.get(workloadKey(workload.ref)) ?? refusalOf(view, workload)),
    template: 'Untouched',
    pods: new Map(),
    newPods: undefined,
  };
}

function refusalOf(view: ClusterView, workload: Workload): string | undefined {
  const actor = actorOf(view, workload, SYSTEM_CLOCK.nowSeconds());
  if (actor?.acts !== 'AtOnce') return undefined;
  return `${actor.text} would size it again at once: add --suspend, or set the policy to mode Recommend first`;
}

function noteOf(
  view: ClusterView,
  workload: Workload,
  isSuspended: boolean,
  { isDryRun }: RevertOptions,
): string | undefined {
  if (isSuspended && isDryRun) return undefined;
  const now = SYSTEM_CLOCK.nowSeconds();
  return newPodsNote(view, workload, isSuspended ? undefined : actorOf(view, workload, now));
}

interface World {
  readonly open: OpenCluster;
  readonly options: RevertOptions;
  readonly context: Context;
}

async function giveTemplatesBack(
  results: readonly WorkloadResult[],
  { open, options, context }: World,
): Promise<void> {
  const changer = createTemplateChanger(open.connection);
  for (const result of results) {
    const { workload, givesBackTemplate } = result.plan;
    if (!givesBackTemplate || result.refusal !== undefined || context.signal.aborted) continue;
    context.progress.show(`giving back the template of ${workloadKey(workload.ref)}`);
    result.template = await givenBack(changer, workload, options.isDryRun);
  }
}

async function givenBack(
  changer: TemplateChanger,
  workload: Workload,
  isDryRun: boolean,
): Promise<WorkloadResult['template']> {
  try {
    // Not called back, as nobody would know whether it was done.
    const { signal } = new AbortController();
    return templateOutcome(await changer.apply(workload, [], { isDryRun, signal }));
  } catch (error) {
    return { message: failureOf(error) };
  }
}

function templateOutcome(answer: TemplateAnswer): WorkloadResult['template'] {
  switch (answer.kind) {
    case 'Accepted':
    case 'Gone':
      return 'GivenBack';
    case 'Conflict':
      return { message: `its fields are managed by ${answer.managers.join(', ')} too` };
    case 'Refused':
    case 'Forbidden':
      return { message: `${answer.kind}: ${answer.message}` };
  }
}

async function putPodsBack(
  results: readonly WorkloadResult[],
  { open, options, context }: World,
): Promise<void> {
  const { cluster: view, connection } = open;
  const { signal, progress } = context;
  const changer = createPodChanger(connection);
  const tasks = results
    .filter(({ refusal }) => refusal === undefined)
    .flatMap((result) => result.plan.pods.map((way) => ({ result, way })));
  let done = 0;
  const show = () => progress.show(`${done} of ${tasks.length} pods`);
  show();
  await inParallel(tasks, PODS_AT_ONCE, async ({ result, way }) => {
    const { workload } = result.plan;
    const task = { ref: workload.ref, template: templateOf(view, workload), way };
    const world = { view, changer, isDryRun: options.isDryRun, signal };
    result.pods.set(way.pod.uid, await outcomeOf(task, world));
    done += 1;
    show();
  });
}

async function outcomeOf(task: PodTask, world: Parameters<typeof putBack>[1]): Promise<PodOutcome> {
  try {
    return await putBack(task, world);
  } catch (error) {
    if (world.signal.aborted && isKubeError(error, 'Aborted')) return { kind: 'Untouched' };
    return { kind: 'NotBack', message: failureOf(error) };
  }
}

/** A call without an answer; anything else is an error of ours. */
function failureOf(error: unknown): string {
  if (error instanceof KubeError) return error.message;
  throw error;
}

async function inParallel<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
