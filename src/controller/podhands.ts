import type { Method } from '../resize/changes.ts';
import type { Plan, PodEviction, PodPatch } from '../resize/planned.ts';
import { isRefusedWith } from '../resize/refused.ts';
import type { EvictionAnswer, Permission, PodChanger, ResizeAnswer } from './changeports.ts';
import { tellMade, tellRefused, type Telling } from './changetold.ts';
import type { PodMemory } from './podmemory.ts';
import type { Pod, Workload } from './ports.ts';

export interface PodHandsOptions extends Telling {
  readonly changer: PodChanger;
  /** False as soon as this instance must not change anything any more. */
  readonly isLeader: () => boolean;
}

/** Where the server does not say when to ask for an eviction again. */
const BLOCKED_SECONDS = 60;
const FORBIDDEN_SECONDS = 60;

export interface At {
  readonly workload: Workload;
  readonly memory: PodMemory;
  readonly nowSeconds: number;
  /** By pod uid: the generation that was looked at. One that was specified anew since is to be weighed anew. */
  readonly generations: ReadonlyMap<string, number>;
  /** By pod uid: when what a rescue is for was seen. */
  readonly signals: ReadonlyMap<string, number>;
  readonly signal: AbortSignal;
}

/** How many changes the server took. */
export interface Done {
  readonly made: number;
  readonly memory: PodMemory;
}

/** What of a plan the server would take. */
export interface Tried extends Pick<Plan, 'patches' | 'evictions'> {
  /** With what it would not; the same where it would take all. */
  readonly memory: PodMemory;
  /** A pod is another by now: it is to be looked at again. */
  readonly isStale: boolean;
}

/** Carries out what was planned for pods, each change tried on the server before it is made. */
export class PodHands {
  readonly #options: PodHandsOptions;

  constructor(options: PodHandsOptions) {
    this.#options = options;
  }

  /** The patches and evictions that the server would take. The others are remembered as refused. */
  async tried(
    { patches, evictions }: Pick<Plan, 'patches' | 'evictions'>,
    pods: readonly Pod[],
    at: At,
  ): Promise<Tried> {
    const options = { isDryRun: true, signal: at.signal };
    const taken = { patches: [] as PodPatch[], evictions: [] as PodEviction[] };
    let { memory } = at;
    let isStale = false;
    for (const patch of patches) {
      const pod = pods.find(({ uid }) => uid === patch.podUid);
      if (pod === undefined) continue;
      const answer = await this.#options.changer.resize(pod, patch.containers, options);
      if (answer.kind === 'Accepted') taken.patches.push(patch);
      else {
        isStale ||= answer.kind === 'Stale' || answer.kind === 'Gone';
        memory = remembered(memory, patch, answer, at.nowSeconds);
        this.#refused('Resize', patch, answer, at);
      }
    }
    for (const eviction of evictions) {
      const pod = pods.find(({ uid }) => uid === eviction.podUid);
      if (pod === undefined) continue;
      const answer = await this.#options.changer.evict(pod, options);
      if (answer.kind === 'Accepted') taken.evictions.push(eviction);
      else {
        isStale ||= answer.kind === 'Gone';
        memory = notEvicted(memory, answer, at.nowSeconds);
        this.#refused('Evict', eviction, answer, at);
      }
    }
    return { ...taken, memory, isStale };
  }

  async resize(patches: readonly PodPatch[], pods: readonly Pod[], at: At): Promise<Done> {
    let { memory } = at;
    let made = 0;
    for (const patch of patches) {
      const pod = pods.find(({ uid }) => uid === patch.podUid);
      if (pod === undefined || pod.generation !== at.generations.get(pod.uid)) continue;
      this.#check();
      const answer = await this.#options.changer.resize(pod, patch.containers, {
        isDryRun: false,
        isUrgent: patch.lane === 'Rescue',
        signal: at.signal,
      });
      if (answer.kind === 'Accepted') {
        made += 1;
        this.#tell('Resize', patch, at);
      } else {
        memory = remembered(memory, patch, answer, at.nowSeconds);
        this.#refused('Resize', patch, answer, at);
      }
    }
    return { made, memory };
  }

  /** A pod that was told to go once is not told again. */
  async evict(evictions: readonly PodEviction[], pods: readonly Pod[], at: At): Promise<Done> {
    let { memory } = at;
    let made = 0;
    for (const eviction of evictions) {
      const pod = pods.find(({ uid }) => uid === eviction.podUid);
      if (pod === undefined || memory.evicted.has(pod.uid)) continue;
      this.#check();
      const answer = await this.#options.changer.evict(pod, { isDryRun: false, signal: at.signal });
      if (answer.kind === 'Accepted') {
        made += 1;
        memory = { ...memory, evicted: new Set([...memory.evicted, pod.uid]) };
        this.#tell('Evict', eviction, at);
      } else {
        memory = notEvicted(memory, answer, at.nowSeconds);
        this.#refused('Evict', eviction, answer, at);
      }
    }
    return { made, memory };
  }

  #check(): void {
    if (!this.#options.isLeader()) throw new Error('this instance does not lead any more');
  }

  #tell(method: Method, change: PodPatch, { workload, signals, nowSeconds }: At): void {
    const { podUid, podName, lane, why, containers } = change;
    const seen = lane === 'Rescue' ? signals.get(podUid) : undefined;
    const signalSeconds = seen === undefined ? undefined : Math.max(0, nowSeconds - seen);
    const made = { workload, podName, lane, method, why, containers, pods: 1, signalSeconds };
    tellMade(this.#options, made);
  }

  #refused(
    method: Method,
    { podName, lane }: PodPatch,
    answer: { readonly kind: string; readonly message?: string },
    { workload }: At,
  ): void {
    const refused = { workload, podName, lane, method, pods: 1, signalSeconds: undefined };
    tellRefused(this.#options, refused, answer);
  }
}

/** Rescues of a plan that were found to be never had in place: what these pods need all the same. */
export function infeasibleRescues(
  { patches }: Pick<Plan, 'patches'>,
  before: PodMemory,
  { memory }: Tried,
): readonly PodPatch[] {
  const found = memory.refusals.filter(
    (each) => each.reason === 'Infeasible' && !before.refusals.includes(each),
  );
  return patches.filter(
    ({ lane, containers }) =>
      lane === 'Rescue' && found.some((refusal) => refusal.containers === containers),
  );
}

/** A pod that changed meanwhile is looked at again, and one that is gone no more: nothing of them is remembered. */
function remembered(
  memory: PodMemory,
  { podUid, lane, containers }: PodPatch,
  answer: ResizeAnswer,
  atSeconds: number,
): PodMemory {
  if (answer.kind === 'Forbidden') return forbidden(memory, 'Resize', atSeconds);
  if (answer.kind !== 'Infeasible' && answer.kind !== 'Refused') return memory;
  const reason = answer.kind === 'Infeasible' ? 'Infeasible' : 'DryRunRefused';
  const refusal = {
    podUid,
    lane,
    containers,
    reason,
    message: answer.message,
    atSeconds,
  } as const;
  const others = memory.refusals.filter((each) => !isRefusedWith(refusal, each));
  return { ...memory, refusals: [...others, refusal] };
}

function notEvicted(memory: PodMemory, answer: EvictionAnswer, atSeconds: number): PodMemory {
  if (answer.kind === 'Forbidden') return forbidden(memory, 'Evict', atSeconds);
  if (!('message' in answer)) return memory;
  const pause = ('retryAfterSeconds' in answer ? answer.retryAfterSeconds : undefined) ?? 0;
  const untilSeconds = atSeconds + Math.max(pause, BLOCKED_SECONDS);
  return { ...memory, blocked: { message: answer.message, untilSeconds } };
}

function forbidden(memory: PodMemory, permission: Permission, atSeconds: number): PodMemory {
  return { ...memory, forbidden: { permission, untilSeconds: atSeconds + FORBIDDEN_SECONDS } };
}
