import { isDeepStrictEqual } from 'node:util';
import type { AdmittedContainer, RecommendationStatus } from '../api/recommendation.ts';
import type { ChangeRecord } from '../resize/changes.ts';
import type { Held } from '../resize/gates.ts';
import type { PlanInput, PodPatch } from '../resize/planned.ts';
import type { PodState } from '../resize/pod.ts';
import { sumOf } from '../resize/room.ts';
import { rescueSignals } from '../resize/signals.ts';
import type { TemplateContainer, TemplateInput } from '../resize/template.ts';
import { nodeRooms, roomOf, workloadFacts } from './actingfacts.ts';
import { actingModes, containerTargets, loweringAllowed, planRules } from './actingrules.ts';
import type { Permission } from './changeports.ts';
import { outsideOf, type Governance } from './gather.ts';
import { leaksOf } from './leaks.ts';
import type { Ledger } from './ledger.ts';
import { newPodSizes, templateSizes } from './newpodsizes.ts';
import type { PodMemory } from './podmemory.ts';
import type { ClusterView, Workload } from './ports.ts';
import { addedIn, lacksRoom } from './quotashares.ts';
import type { KnownUsage } from './usage.ts';

export interface Asked {
  readonly governance: Governance;
  /** Its containers are what is recommended now. */
  readonly status: RecommendationStatus;
  readonly usage: KnownUsage;
  /** What new pods got until now. */
  readonly given: readonly AdmittedContainer[];
}

export interface KnownOfPods {
  readonly states: readonly PodState[];
  readonly records: readonly ChangeRecord[];
  readonly memory: PodMemory;
  readonly missing: readonly Permission[];
  readonly nowSeconds: number;
}

export interface PlanAround {
  readonly view: ClusterView;
  readonly ledger: Ledger;
  readonly ownNamespace: string | undefined;
}

/** What the operator may not do, by its rights or by what the server said. */
export function missingOf({ missing, memory }: KnownOfPods): readonly Permission[] {
  const { forbidden } = memory;
  return forbidden === undefined ? missing : [...new Set([...missing, forbidden.permission])];
}

/** All that the plan for the pods of a workload rests on, as of now. */
export function planInput(
  workload: Workload,
  asked: Asked,
  known: KnownOfPods,
  around: PlanAround,
): PlanInput {
  const { memory } = known;
  const { mode, names } = actingModes(asked.governance).pods ?? { mode: 'InPlace', names: [] };
  const missing = missingOf(known);
  const template = templateSizes(workload, around.view);
  return {
    ...inputOf(workload, asked, known, {
      ...around,
      // Who may not evict goes on in place.
      mode: missing.includes('Evict') || isRun(workload) ? 'InPlace' : mode,
      names,
      missing: missing.includes('Resize') ? missing : [],
      disruptionRefused: memory.blocked?.message,
    }),
    records: recordsFor('Pods', known.records).flatMap((record) => ofContainers(record, names)),
    template,
    newPods: isSettled(asked) ? newPodSizes(template, asked.given) : undefined,
    nodes: nodeRooms(around.view, workload.ref),
    // The controller makes it anew where it was.
    staysOnNode: workload.ref.kind === 'DaemonSet',
    refusals: memory.refusals,
  };
}

/** What is to be said of new pods stands already, so that the API server knows of it when a pod is told to go. */
function isSettled({ given, status }: Asked): boolean {
  return isDeepStrictEqual(given, status.admission ?? []);
}

/** The same for its template. Its init containers are known from pods alone, as they are never sized. */
export function templateInput(
  workload: Workload,
  asked: Asked,
  known: Omit<KnownOfPods, 'memory'>,
  around: PlanAround,
): TemplateInput {
  const { template: names } = actingModes(asked.governance);
  const inits = known.states[0]?.containers.filter(({ kind }) => kind === 'Init') ?? [];
  const template: readonly TemplateContainer[] = [
    ...templateSizes(workload, around.view),
    ...inits.map(({ name, kind, spec }) => ({ name, kind, sizes: spec })),
  ];
  const { missing } = known;
  const own = { ...around, mode: 'Rollout', names, missing, disruptionRefused: undefined } as const;
  return {
    ...inputOf(workload, asked, known, own),
    records: recordsFor('Template', known.records),
    template,
  };
}

/** A way back is gone where it was come: in pods, or by the template. */
function recordsFor(
  what: 'Pods' | 'Template',
  records: readonly ChangeRecord[],
): readonly ChangeRecord[] {
  return records.filter(
    ({ lane, method, outcome }) =>
      lane !== 'Return' ||
      outcome !== 'Watching' ||
      (method === 'Rollout') === (what === 'Template'),
  );
}

/** New pods may have been sized in more containers than may be changed in pods that run. */
function ofContainers(record: ChangeRecord, names: readonly string[]): readonly ChangeRecord[] {
  if (record.method !== 'Admission') return [record];
  const containers = record.containers.filter(({ name }) => names.includes(name));
  return containers.length === 0 ? [] : [{ ...record, containers }];
}

/** A signal of distress asks for a rescue. */
export function isInNeed({
  states,
  records,
  nowSeconds,
}: Pick<KnownOfPods, 'states' | 'records' | 'nowSeconds'>): boolean {
  return states.some(({ containers }) =>
    containers.some((each) => rescueSignals(each, records, nowSeconds).length > 0),
  );
}

/** Tells the other workloads of the namespace what is planned for this one. */
export function claimRoom(
  { ref }: Workload,
  changes: {
    readonly held: readonly Held[];
    readonly patches: readonly Pick<PodPatch, 'containers'>[];
    readonly podsEach: number;
  },
  known: Pick<KnownOfPods, 'states' | 'records' | 'nowSeconds'>,
  { view, ledger }: PlanAround,
): void {
  const added = sumOf(
    changes.patches.map(({ containers }) => addedIn(containers, changes.podsEach)),
  );
  const isUnmet = lacksRoom(changes.held) && isInNeed(known);
  const reported = roomOf(view, ref.namespace);
  ledger.quotas.claim(ref, { added, isUnmet }, { reported, nowSeconds: known.nowSeconds });
}

interface Own extends PlanAround {
  readonly mode: PlanInput['facts']['mode'];
  readonly names: readonly string[];
  readonly missing: readonly Permission[];
  readonly disruptionRefused: string | undefined;
}

function inputOf(
  workload: Workload,
  { governance, status, usage }: Asked,
  known: Omit<KnownOfPods, 'memory'>,
  { view, ledger, ownNamespace, mode, names, missing, disruptionRefused }: Own,
): Omit<PlanInput, 'records' | 'refusals' | 'template' | 'newPods' | 'nodes' | 'staysOnNode'> {
  const { states, nowSeconds } = known;
  const containers = status.containers ?? [];
  const rules = planRules(governance.policy);
  return {
    facts: workloadFacts(workload, {
      view,
      governance,
      mode,
      nowSeconds,
      isBreakerOpen: ledger.breaker(nowSeconds).isOpen,
      missing,
      disruptionRefused,
      ownNamespace,
    }),
    rules: { ...rules, mayDecrease: loweringAllowed(containers, rules.mayDecrease) },
    targets: containerTargets(containers, {
      names,
      settings: governance.settings,
      isOfPolicy: isOfPolicy(status, governance),
      isStale: usage.failure !== undefined || !usage.isRead,
      leaks: leaksOf(usage.containers, nowSeconds),
    }),
    pods: states,
    replicas: workload.replicas,
    room: ledger.quotas.roomFor(workload.ref, roomOf(view, workload.ref.namespace), {
      isInNeed: isInNeed(known),
      nowSeconds,
    }),
    outside: outsideOf(view, workload.ref),
    freeFleet: ledger.freeFleet(nowSeconds),
    nowSeconds,
  };
}

function isOfPolicy({ policy }: RecommendationStatus, governance: Governance): boolean {
  const { uid, generation } = governance.policy;
  return policy?.uid === uid && policy.generation === generation;
}

/** A run that is evicted loses its work, and may not be tried again. */
function isRun({ ref }: Workload): boolean {
  return ref.kind === 'Job' || ref.kind === 'CronJob';
}
