import { notAhead, type ChangeRecord } from '../resize/changes.ts';
import { planPods } from '../resize/plan.ts';
import type { Plan } from '../resize/planned.ts';
import type { PodState } from '../resize/pod.ts';
import { recordsOf, withFailed } from '../resize/record.ts';
import {
  claimRoom,
  isInNeed,
  missingOf,
  planInput,
  type Asked,
  type KnownOfPods,
} from './actinginput.ts';
import { actingModes, planRules } from './actingrules.ts';
import { againSeconds, heldOf, saidOf } from './actorsays.ts';
import type {
  ChangeSink,
  LiveSource,
  Permission,
  Permissions,
  PodChanger,
  TemplateChanger,
} from './changeports.ts';
import type { Ledger, LedgerRules } from './ledger.ts';
import { isWatchingNewPods, judgeAll, saidOfNewPods, tellNewPods } from './newpodwatch.ts';
import { infeasibleRescues, PodHands, type At } from './podhands.ts';
import { PodMemories, stillHeld, withRefused } from './podmemory.ts';
import { isBlind, podState, signalTimes, type PodKnowledge, type SignalTimes } from './podstate.ts';
import {
  workloadKey,
  type ClusterView,
  type Clock,
  type EventSink,
  type Log,
  type Workload,
} from './ports.ts';
import type { Prepared } from './prepared.ts';
import type { TemplateReader } from './statedsizes.ts';
import { TemplateHands, withTemplate } from './templatehands.ts';
import { tellJudged } from './telljudged.ts';

/** What acting needs of the world and of the operator's flags. */
export interface ActingOptions {
  readonly changer: PodChanger;
  readonly templates: TemplateChanger;
  readonly reader: TemplateReader;
  readonly permissions: Permissions;
  readonly live: LiveSource;
  readonly sink: ChangeSink;
  /** In which the operator runs, and changes nothing; undefined where it does not run in a pod. */
  readonly ownNamespace: string | undefined;
  /** Time between two looks at what the pods do that are acted on. */
  readonly lookSeconds: number;
  readonly rules: LedgerRules;
}

export interface ActorParts extends ActingOptions {
  readonly view: ClusterView;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly log: Log;
  readonly isLeader: () => boolean;
  readonly ledger: Ledger;
  readonly looksAt: (namespace: string, pod: string) => PodKnowledge['live'];
  /** Asks for a look before its time. */
  readonly lookSoon: () => void;
}

const NOTHING: Plan = { patches: [], evictions: [], waiting: [], held: [], leaking: [] };

interface Acted {
  readonly workload: Workload;
  /** By container, as last read. */
  readonly history: PodKnowledge['history'];
}

/** Changes pods that run: decides, remembers what must not be tried again, and carries out. */
export class Actor {
  readonly #parts: ActorParts;
  readonly #hands: PodHands;
  readonly #templates: TemplateHands;
  readonly #memory = new PodMemories();
  /** Workloads of which pods are changed, or watched as they come up, by key. */
  readonly #acted = new Map<string, Acted>();
  /** Of these, those whose pods had not all been looked at when they were last decided on. */
  readonly #blind = new Set<string>();
  /** Workloads whose new pods are sized. */
  readonly #sized = new Set<string>();
  readonly #signals = new Map<string, SignalTimes>();

  constructor(parts: ActorParts) {
    this.#parts = parts;
    const { changer, events, log, sink, isLeader } = parts;
    this.#hands = new PodHands({ changer, events, log, sink, isLeader });
    this.#templates = new TemplateHands(parts);
  }

  /** Whether its pods are changed, or are made with other sizes than those of the template. */
  acts(key: string): boolean {
    return this.#acted.has(key) || this.#sized.has(key);
  }

  /** Namespaces with pods that are changed. */
  namespaces(): readonly string[] {
    return [...new Set([...this.#acted.values()].map(({ workload }) => workload.ref.namespace))];
  }

  /** Workloads that want to be looked at now: a container is in need, or a change is watched. */
  *urgent(): Iterable<string> {
    const nowSeconds = this.#now();
    for (const [key, { workload, history }] of this.#acted) {
      const records = this.#parts.ledger.recordsOf(key);
      const isWatched = records.some(({ outcome }) => outcome === 'Watching');
      const states = () => this.#states(workload, history);
      const isSeen = () => this.#blind.has(key) && !isBlind(states());
      if (isWatched || isInNeed({ states: states(), records, nowSeconds }) || isSeen()) yield key;
    }
  }

  forget(key: string): void {
    this.#memory.forget(key);
    this.#acted.delete(key);
    this.#blind.delete(key);
    this.#sized.delete(key);
    this.#signals.delete(key);
    this.#templates.forget(key);
    this.#parts.ledger.quotas.forget(key);
  }

  /** What is to be done to pods and template of the workload now; nothing is changed yet. */
  async prepare(workload: Workload, asked: Asked, signal: AbortSignal): Promise<Prepared> {
    const key = workloadKey(workload.ref);
    const { ledger, view } = this.#parts;
    const nowSeconds = this.#now();
    const modes = actingModes(asked.governance);
    this.#acts(key, workload, asked);
    // From here until its budget is reserved nothing else is decided, so that nothing is spent twice.
    const missing =
      modes.pods === undefined ? [] : await this.#missing(workload, modes.pods.mode, signal);
    const states = this.#states(workload, asked.usage.containers);
    if (isBlind(states)) this.#blind.add(key);
    else this.#blind.delete(key);
    const known = notAhead(ledger.recordsOf(key), nowSeconds);
    const onRecord = { view, states, records: known, nowSeconds };
    const { records, judged } = judgeAll(workload, asked, onRecord);
    const pods = view.pods(workload.ref);
    const before = this.#memory.of(key);
    const memory = withRefused(stillHeld(before, pods, nowSeconds), states, nowSeconds);
    const generations = new Map(pods.map(({ uid, generation }) => [uid, generation]));
    const signals = signalTimes(states, { records, nowSeconds, before: this.#signals.get(key) });
    if (signals.size === 0) this.#signals.delete(key);
    else this.#signals.set(key, signals);
    const at: At = { workload, memory, nowSeconds, generations, signal, signals };
    const ofPods: KnownOfPods = { states, records, memory, missing, nowSeconds };
    const prepared =
      modes.pods === undefined
        ? { ...NOTHING_PREPARED, ...saidOfNewPods(asked, records, nowSeconds), records, judged, at }
        : await this.#tried(asked, ofPods, { at, judged });
    if (modes.template.length === 0) return prepared;
    return withTemplate(this.#templates, prepared, asked, states);
  }

  /** What is planned for the pods, as far as the server takes it; holds what it costs of the budget. */
  async #tried(
    asked: Asked,
    known: KnownOfPods,
    { at, judged }: Pick<Prepared, 'at' | 'judged'>,
  ): Promise<Prepared> {
    const { workload } = at;
    const { states, records, memory, nowSeconds } = known;
    const { observeSeconds } = planRules(asked.governance.policy);
    const input = planInput(workload, asked, known, this.#parts);
    const plan = planPods(input);
    claimRoom(workload, { ...plan, podsEach: 1 }, known, this.#parts);
    const charged = [...plan.patches, ...plan.evictions].filter(
      ({ lane }) => lane === 'Raise' || lane === 'Savings',
    );
    const release = this.#parts.ledger.reserve(charged.length);
    try {
      const tried = await this.#hands.tried(plan, this.#parts.view.pods(workload.ref), at);
      const then: KnownOfPods = { ...known, memory: tried.memory };
      // What is refused says what else could be done, or why nothing is.
      const said =
        tried.memory === memory
          ? plan
          : planPods({
              ...planInput(workload, asked, then, this.#parts),
              freeFleet: input.freeFleet,
              room: input.room,
            });
      const sure = { ...said, patches: tried.patches, evictions: tried.evictions };
      const held = heldOf(sure, missingOf(then), workload);
      const isUnfinished = tried.isStale || said.evictions.length > tried.evictions.length;
      const around = { input, records, states, isUnfinished };
      const recorded = { pods: states, nowSeconds, observeSeconds };
      return {
        said: saidOf({ ...sure, held }, around),
        records: [
          ...records,
          ...recordsOf({ ...recorded, changes: sure.patches, method: 'Resize' }),
          ...recordsOf({ ...recorded, changes: sure.evictions, method: 'Evict' }),
          // New pods have it, which may be on other nodes.
          ...withFailed(
            recordsOf({
              ...recorded,
              changes: infeasibleRescues(plan, memory, tried),
              method: 'Resize',
            }),
            () => true,
            nowSeconds,
          ),
        ],
        judged,
        againSeconds: againSeconds({ ...sure, held }, around, asked.governance),
        plan: sure,
        template: undefined,
        at: { ...at, memory: tried.memory },
        release,
      };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** Makes what was prepared; its records must have been written. */
  async carryOut({ plan, template, at, records, judged, release }: Prepared): Promise<void> {
    const key = workloadKey(at.workload.ref);
    const { ledger, view } = this.#parts;
    const before = ledger.recordsOf(key);
    ledger.set(key, records);
    release();
    tellNewPods(at.workload, { before, now: records }, this.#parts);
    tellJudged(at.workload, judged, this.#parts);
    const pods = view.pods(at.workload.ref);
    this.#memory.set(key, at.memory);
    const resized = await this.#hands.resize(plan.patches, pods, at);
    this.#memory.set(key, resized.memory);
    const evicted = await this.#hands.evict(plan.evictions, pods, {
      ...at,
      memory: resized.memory,
    });
    this.#memory.set(key, evicted.memory);
    const isRolledOut = await this.#templates.carryOut(at.workload, template, at.signal);
    const failed = [
      ...(plan.patches.length > 0 && resized.made === 0 ? ['Resize'] : []),
      ...(plan.evictions.length > 0 && evicted.made === 0 ? ['Evict'] : []),
      ...(template?.change !== undefined && !isRolledOut ? ['Rollout'] : []),
    ];
    if (failed.length > 0) {
      const isNew = (record: ChangeRecord) =>
        !before.includes(record) && failed.includes(record.method);
      ledger.set(key, withFailed(records, isNew, at.nowSeconds));
    }
  }

  #acts(key: string, workload: Workload, { governance, usage, given }: Asked): void {
    if (given.length > 0) this.#sized.add(key);
    else this.#sized.delete(key);
    const { pods, template } = actingModes(governance);
    const isWatching = isWatchingNewPods(this.#parts.ledger.recordsOf(key));
    if (pods === undefined && template.length === 0 && !isWatching) {
      this.#acted.delete(key);
      return;
    }
    // What its pods do is not known yet, and some decisions rest on that.
    if (!this.#acted.has(key)) this.#parts.lookSoon();
    this.#acted.set(key, { workload, history: usage.containers });
  }

  /** Whole seconds, as they are written down. */
  #now(): number {
    return Math.floor(this.#parts.clock.nowSeconds());
  }

  #states(workload: Workload, history: PodKnowledge['history']): readonly PodState[] {
    const { ref } = workload;
    const { evicted } = this.#memory.of(workloadKey(ref));
    return this.#parts.view
      .pods(ref)
      .filter(({ hasEnded }) => !hasEnded)
      .map((pod) => {
        const live = this.#parts.looksAt(ref.namespace, pod.name);
        const state = podState(pod, { live, history });
        // What was told to go may not be seen to go yet.
        return evicted.has(pod.uid) ? { ...state, isTerminating: true } : state;
      });
  }

  async #missing(
    workload: Workload,
    mode: 'InPlace' | 'Recreate',
    signal: AbortSignal,
  ): Promise<readonly Permission[]> {
    const needed: readonly Permission[] = mode === 'Recreate' ? ['Resize', 'Evict'] : ['Resize'];
    const may = await Promise.all(
      needed.map((each) => this.#parts.permissions.may(each, workload, signal)),
    );
    return needed.filter((_, index) => may[index] === false);
  }
}

const NOTHING_PREPARED = {
  said: undefined,
  againSeconds: undefined,
  plan: NOTHING,
  template: undefined,
  release: () => undefined,
} as const;
