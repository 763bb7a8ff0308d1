import { Actor } from './actor.ts';
import type { Outcome } from './compose.ts';
import { fenced } from './fenced.ts';
import { NamespaceIndex } from './namespaceindex.ts';
import { recordsOfHistory } from './history.ts';
import { Ledger } from './ledger.ts';
import { LiveKeeper } from './livekeeper.ts';
import type { ControllerOptions } from './options.ts';
import { namespaceOfKey, Policies } from './policies.ts';
import {
  workloadKey,
  type ClusterChange,
  type UsageFailure,
  type UsageWarning,
  type Workload,
} from './ports.ts';
import { WorkQueue, type WorkResult } from './queue.ts';
import {
  recommendationName,
  reconcileWorkload,
  type ReconcileContext,
  type Reconciled,
  type Written,
} from './reconcile.ts';
import type { ControllerSnapshot } from './snapshot.ts';
import { EVERYTHING, type Territory } from './territory.ts';
import { UsageKeeper } from './usage.ts';

const WORKLOAD = 'workload:';
const POLICY = 'policy:';
/** Policy status follows its workloads, gathered over this time. */
const POLICY_STATUS_SECONDS = 2;
const CONCURRENCY = 4;
/** A timer holds for 24 days at most. */
const LONGEST_WAIT_SECONDS = 86_400;

/** One term of leadership: it begins with nothing known of usage and ends with nothing left running. */
export class Leading {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #usage: UsageKeeper;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #territory: Territory;
  readonly #policies: Policies;
  readonly #warned = new Set<UsageWarning['reason']>();
  readonly #context: ReconcileContext;
  readonly #ledger: Ledger;
  readonly #actor: Actor;
  readonly #live: LiveKeeper;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { view, clock, log } = options;
    this.#territory = options.territory ?? EVERYTHING;
    const writer = fenced(options.writer, options.isLeader);
    this.#policies = new Policies({
      ...options,
      writer,
      territory: this.#territory,
      outcomes: this.#outcomes,
      again: (key) => this.#queue.add(WORKLOAD + key),
    });
    this.#queue = new WorkQueue({
      work: (key, signal) => this.#work(key, signal),
      concurrency: CONCURRENCY,
      onError: (key, error, retrySeconds) => {
        options.onReconciled('Failed');
        log.error({ key, retrySeconds, err: error }, 'reconcile failed');
      },
    });
    this.#usage = this.#keepUsage(new NamespaceIndex(view, clock));
    this.#ledger = new Ledger(view, options.acting.rules, {
      shards: this.#territory.shards,
      owns: (key) => this.#isOurs(key),
    });
    this.#live = this.#watchLive();
    this.#actor = new Actor({
      ...options.acting,
      ...options,
      ledger: this.#ledger,
      looksAt: (namespace, pod) => this.#live.looksAt(namespace, pod),
      lookSoon: () => this.#live.soon(),
    });
    this.#context = {
      view,
      clock,
      actor: this.#actor,
      writer,
      usageOf: (ref, windowSeconds) => this.#usage.want(ref, windowSeconds),
      fleetOf: (policy) => this.#policies.fleetOf(policy),
    };
    this.#addWorkloads(undefined);
    for (const key of view.policies.keys()) this.#addPolicy(key);
  }

  get snapshot(): ControllerSnapshot {
    return {
      outcomes: this.#outcomes,
      usage: this.#usage.counts,
      queueDepth: this.#queue.depth,
      calibrations: this.#policies.calibrations,
      isBreakerOpen: this.#ledger.breaker(this.#options.clock.nowSeconds()).isOpen,
    };
  }

  #keepUsage(namespaces: NamespaceIndex): UsageKeeper {
    const { view, clock, source, random, refreshSeconds, usageStore } = this.#options;
    return new UsageKeeper({
      source,
      clock,
      random,
      intervalSeconds: refreshSeconds,
      podsOf: (ref) => view.pods(ref),
      siblingsOf: (namespace) => namespaces.refsOf(namespace),
      restartedPodsOf: (namespace, fromSeconds) => view.restartedPods(namespace, fromSeconds),
      worthOf: (namespace) => namespaces.worthOf(namespace),
      store: usageStore,
      onRead: (keys, failures) => {
        this.#tellRead(keys.length, failures);
        for (const key of keys) this.#queue.add(WORKLOAD + key);
      },
      onWarning: (warning) => this.#warn(warning),
    });
  }

  #tellRead(workloads: number, failures: readonly UsageFailure[]): void {
    const { log } = this.#options;
    const { counts } = this.#usage;
    const [first] = failures;
    if (first === undefined) {
      log.info({ workloads, ...counts }, 'usage read');
      return;
    }
    const { reason, message } = first;
    const failed = failures.length;
    log.warn({ workloads, failed, reason, ...counts }, `usage cannot be read: ${message}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#usage.stop(), this.#live.stop()]);
  }

  changed(change: ClusterChange): void {
    if (change.kind === 'Pods') {
      if (this.#actor.acts(change.key)) this.#queue.addFirst(WORKLOAD + change.key);
      return;
    }
    this.#policies.changed();
    switch (change.kind) {
      case 'Workload':
      case 'Recommendation':
        if (this.#isOurs(change.key)) this.#queue.add(WORKLOAD + change.key);
        else this.#othersChanged(change.key);
        return;
      case 'Policy':
        this.#addPolicy(change.key);
        this.#addWorkloads(this.#options.view.policies.get(change.key)?.namespace);
        return;
      case 'Admission':
        this.#addWorkloads(undefined);
        return;
      case 'Namespace':
        this.#addWorkloads(change.name);
    }
  }

  /** Other namespaces than before are this instance's. */
  territoryChanged(): void {
    const { workloads, policies } = this.#options.view;
    for (const key of [...this.#outcomes.keys()].filter((each) => !this.#isOurs(each))) {
      this.#leave(key);
    }
    for (const key of workloads.keys()) {
      if (this.#isOurs(key) && !this.#outcomes.has(key)) this.#queue.add(WORKLOAD + key);
    }
    for (const key of policies.keys()) this.#addPolicy(key);
  }

  /** Other shards told other figures of policies that reach into them. */
  figuresChanged(): void {
    for (const [key, { namespace }] of this.#options.view.policies) {
      if (namespace === undefined) this.#addPolicy(key);
    }
  }

  #isOurs(workload: string): boolean {
    return this.#territory.owns(namespaceOfKey(workload));
  }

  /** What another shard changes counts for the budget and the breaker of all, and in policies of the whole cluster. */
  #othersChanged(key: string): void {
    this.#countOthers(key);
    this.#addPoliciesOf(key);
  }

  #countOthers(key: string): void {
    const { workloads, recommendations } = this.#options.view;
    const ref = workloads.get(key)?.ref;
    const name = ref && `${ref.namespace}/${recommendationName(ref)}`;
    const stored = name === undefined ? undefined : recommendations.get(name);
    this.#ledger.set(key, recordsOfHistory(stored?.status?.history));
  }

  /** Nothing is known of a workload any more that is another shard's now, but what that one changed. */
  #leave(key: string): void {
    this.#outcomes.delete(key);
    this.#usage.forget(key);
    this.#actor.forget(key);
    this.#countOthers(key);
  }

  #watchLive(): LiveKeeper {
    const { acting, clock, log } = this.#options;
    return new LiveKeeper({
      source: acting.live,
      clock,
      intervalSeconds: acting.lookSeconds,
      namespaces: () => this.#actor.namespaces(),
      onLook: () => {
        for (const key of this.#actor.urgent()) this.#queue.addFirst(WORKLOAD + key);
      },
      onFailure: (failure) => {
        if (failure === undefined) log.info({}, 'live usage can be read again');
        else log.warn({ reason: failure.reason }, `live usage cannot be read: ${failure.message}`);
      },
    });
  }

  /** Undefined: of all namespaces, as after a policy that is gone, which may have reached any. */
  #addWorkloads(namespace: string | undefined): void {
    for (const [key, { ref }] of this.#options.view.workloads) {
      const isMeant = namespace === undefined || ref.namespace === namespace;
      if (isMeant && this.#territory.owns(ref.namespace)) this.#queue.add(WORKLOAD + key);
    }
  }

  async #work(key: string, signal: AbortSignal): Promise<WorkResult> {
    if (key.startsWith(WORKLOAD)) {
      return this.#reconcileWorkload(key.slice(WORKLOAD.length), signal);
    }
    await this.#policies.reconcile(key.slice(POLICY.length), signal);
    return { kind: 'Done' };
  }

  async #reconcileWorkload(key: string, signal: AbortSignal): Promise<WorkResult> {
    if (!this.#isOurs(key)) {
      this.#leave(key);
      return { kind: 'Done' };
    }
    const reconciled = await reconcileWorkload(key, this.#context, signal);
    this.#reconciled(key, reconciled);
    const { againSeconds } = reconciled;
    if (againSeconds === undefined) return { kind: 'Done' };
    return { kind: 'Later', afterSeconds: Math.min(againSeconds, LONGEST_WAIT_SECONDS) };
  }

  #reconciled(key: string, { written, outcome }: Reconciled): void {
    this.#options.onReconciled(written);
    this.#addPoliciesOf(key);
    if (written === 'Waiting') return;
    // While a policy cannot be read, what is watched goes on being known.
    const isGone = !this.#options.view.workloads.has(key);
    if (written === 'Deleted' || isGone) this.#actor.forget(key);
    // With its Recommendation go the records of what was done to it, and a policy that comes again is to go by them.
    if (isGone) this.#ledger.set(key, []);
    const before = this.#outcomes.get(key);
    if (outcome === undefined) {
      this.#outcomes.delete(key);
      this.#usage.forget(key);
    } else {
      this.#outcomes.set(key, outcome);
    }
    const workload = this.#options.view.workloads.get(key);
    if (workload !== undefined && outcome !== undefined) {
      this.#tell(workload, { written, outcome, before });
    }
  }

  /** Those that may count the workload: also one that others go before, also when the workload is gone. */
  #addPoliciesOf(workload: string): void {
    for (const [key, { namespace }] of this.#options.view.policies) {
      if (namespace === undefined || workload.startsWith(`${namespace}/`)) this.#addPolicy(key);
    }
  }

  #addPolicy(key: string): void {
    this.#queue.addAfter(POLICY + key, POLICY_STATUS_SECONDS);
  }

  #tell(
    { ref, uid, apiVersion }: Workload,
    result: { written: Written; outcome: Outcome; before: Outcome | undefined },
  ): void {
    const { written, outcome, before } = result;
    if (written === 'Unchanged') return;
    const { state, reason } = outcome;
    this.#options.log.info(
      { workload: workloadKey(ref), written, state, reason },
      'recommendation written',
    );
    if (before?.state === state && before.reason === reason) return;
    const { kind, namespace, name } = ref;
    this.#options.events.record({
      regarding: { apiVersion, kind, namespace, name, uid },
      type: 'Normal',
      reason: state.startsWith('Held') ? 'Held' : state,
      action: 'Recommend',
      note: `${state}${reason === undefined ? '' : ` (${reason})`}: see recommendation ${recommendationName(ref)}`,
    });
  }

  #warn({ reason, message }: UsageWarning): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#options.log.warn({ reason }, message);
  }
}
