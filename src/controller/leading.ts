import type { PolicyStatus } from '../api/policy.ts';
import { API_VERSION } from '../api/group.ts';
import { Actor, type ActingOptions } from './actor.ts';
import type { Outcome } from './compose.ts';
import { fenced } from './fenced.ts';
import { Fleets } from './fleets.ts';
import { Ledger } from './ledger.ts';
import { LiveKeeper } from './livekeeper.ts';
import { policyNotes } from './policynotes.ts';
import { policyKey } from './policy.ts';
import type { Policy } from './ports.ts';
import { calibrationOf, lookAt, ownersOf, policyStatusOf } from './policystatus.ts';
import {
  workloadKey,
  type ClusterChange,
  type ClusterView,
  type ClusterWriter,
  type Clock,
  type EventSink,
  type Log,
  type UsageSource,
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
import { UsageKeeper } from './usage.ts';

export interface ControllerOptions {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly source: UsageSource;
  readonly events: EventSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** False as soon as this instance must not write any more. */
  readonly isLeader: () => boolean;
  readonly refreshSeconds: number;
  readonly acting: ActingOptions;
  readonly onReconciled: (result: Written | 'Failed') => void;
}

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
  readonly #fleets: Fleets;
  /** Found when it is asked for, until something changes. */
  #owners: ReadonlyMap<string, string> | undefined;
  readonly #warned = new Set<UsageWarning['reason']>();
  readonly #context: ReconcileContext;
  readonly #ledger: Ledger;
  readonly #actor: Actor;
  readonly #live: LiveKeeper;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { view, clock, log, source, random } = options;
    this.#fleets = new Fleets(clock.nowSeconds());
    this.#queue = new WorkQueue({
      work: (key, signal) => this.#work(key, signal),
      concurrency: CONCURRENCY,
      onError: (key, error, retrySeconds) => {
        options.onReconciled('Failed');
        log.error({ key, retrySeconds, err: error }, 'reconcile failed');
      },
    });
    this.#usage = new UsageKeeper({
      source,
      clock,
      random,
      intervalSeconds: options.refreshSeconds,
      podsOf: (ref) => view.pods(ref).map(({ name }) => name),
      siblingsOf: (namespace) =>
        [...view.workloads.values()]
          .map(({ ref }) => ref)
          .filter((ref) => ref.namespace === namespace),
      onRead: (keys) => {
        log.info({ workloads: keys.length, ...this.#usage.counts }, 'usage read');
        for (const key of keys) this.#queue.add(WORKLOAD + key);
      },
      onWarning: (warning) => this.#warn(warning),
    });
    this.#ledger = new Ledger(view, options.acting.rules);
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
      writer: fenced(options.writer, options.isLeader),
      usageOf: (ref, windowSeconds) => this.#usage.want(ref, windowSeconds),
      fleetOf: (policy) => this.#fleets.viewOf(policy, clock.nowSeconds()),
    };
    for (const key of view.workloads.keys()) this.#queue.add(WORKLOAD + key);
    for (const key of view.policies.keys()) {
      this.#queue.addAfter(POLICY + key, POLICY_STATUS_SECONDS);
    }
  }

  get snapshot(): ControllerSnapshot {
    return {
      outcomes: this.#outcomes,
      usage: this.#usage.counts,
      queueDepth: this.#queue.depth,
      calibrations: this.#fleets.calibrations,
      isBreakerOpen: this.#ledger.breaker(this.#options.clock.nowSeconds()).isOpen,
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#queue.stop(), this.#usage.stop(), this.#live.stop()]);
  }

  changed(change: ClusterChange): void {
    if (change.kind === 'Pods') {
      if (this.#actor.acts(change.key)) this.#queue.addFirst(WORKLOAD + change.key);
      return;
    }
    this.#owners = undefined;
    switch (change.kind) {
      case 'Workload':
      case 'Recommendation':
        this.#queue.add(WORKLOAD + change.key);
        return;
      case 'Policy':
        this.#queue.addAfter(POLICY + change.key, POLICY_STATUS_SECONDS);
        this.#addWorkloads(this.#options.view.policies.get(change.key)?.namespace);
        return;
      case 'Admission':
        this.#addWorkloads(undefined);
        return;
      case 'Namespace':
        this.#addWorkloads(change.name);
    }
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
      if (namespace === undefined || ref.namespace === namespace) this.#queue.add(WORKLOAD + key);
    }
  }

  async #work(key: string, signal: AbortSignal): Promise<WorkResult> {
    if (key.startsWith(WORKLOAD)) {
      return this.#reconcileWorkload(key.slice(WORKLOAD.length), signal);
    }
    await this.#reconcilePolicy(key.slice(POLICY.length), signal);
    return { kind: 'Done' };
  }

  async #reconcileWorkload(key: string, signal: AbortSignal): Promise<WorkResult> {
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
    if (written === 'Deleted' || !this.#options.view.workloads.has(key)) this.#actor.forget(key);
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
      if (namespace !== undefined && !workload.startsWith(`${namespace}/`)) continue;
      this.#queue.addAfter(POLICY + key, POLICY_STATUS_SECONDS);
    }
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

  async #reconcilePolicy(key: string, signal: AbortSignal): Promise<void> {
    const { view, clock } = this.#options;
    const policy = view.policies.get(key);
    if (policy === undefined) {
      this.#fleets.forget(key);
      return;
    }
    this.#owners ??= ownersOf(view);
    const look = lookAt(policy, view, { owners: this.#owners, outcomes: this.#outcomes });
    const calibration = calibrationOf(policy, look, {
      verdicts: this.#fleets.verdicts(policy),
      isKnown: this.#fleets.isKnown(policy),
    });
    const known = { calibration, nowSeconds: clock.nowSeconds() };
    const status = policyStatusOf(policy, look, known);
    if (status !== undefined) {
      await this.#context.writer.applyPolicyStatus(policy, status, signal);
      this.#tellPolicy(policy, status);
    }
    if (calibration === undefined) return;
    const containers = look.outcomes.flatMap((outcome) => outcome.containers ?? []);
    const found = { calibration, nowSeconds: clock.nowSeconds() };
    if (!this.#fleets.set(policy, containers, found)) return;
    for (const workload of look.owned) this.#queue.add(WORKLOAD + workload);
  }

  #tellPolicy(policy: Policy, status: PolicyStatus): void {
    const { kind, namespace, name, uid } = policy;
    const owner = { apiVersion: API_VERSION, kind, name, uid };
    const regarding = namespace === undefined ? owner : { ...owner, namespace };
    for (const { type, reason, note } of policyNotes(policy.status, status)) {
      this.#options.log.info({ policy: policyKey(policy), reason }, note);
      this.#options.events.record({ regarding, type, reason, action: 'Recommend', note });
    }
  }

  #warn({ reason, message }: UsageWarning): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#options.log.warn({ reason }, message);
  }
}
