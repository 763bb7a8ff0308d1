import { API_VERSION } from '../api/group.ts';
import { parsePercent } from '../api/percent.ts';
import type { PolicyStatus } from '../api/policy.ts';
import { calibrate, type Calibration } from './calibration.ts';
import { verdictsOf } from './calibrationstatus.ts';
import { containersOf, type Outcome } from './compose.ts';
import { figuresOf, sumOf } from './figures.ts';
import { Fleets, type KnownFleet } from './fleets.ts';
import { outcomesOfOthers } from './othersoutcomes.ts';
import { policyKey } from './policy.ts';
import { policyNotes } from './policynotes.ts';
import {
  calibrationOf,
  lookAt,
  ownersOf,
  policyStatusOf,
  type PolicyLook,
} from './policystatus.ts';
import type { ClusterView, ClusterWriter, Clock, EventSink, Log, Policy } from './ports.ts';
import type { Territory } from './territory.ts';

interface PoliciesOptions {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly events: EventSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly territory: Territory;
  /** What became of this instance's workloads, by key. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** The workload is to be looked at again. */
  readonly again: (workloadKey: string) => void;
}

/** What the workloads of each policy come to together: its status, and what it lets them do. */
export class Policies {
  readonly #options: PoliciesOptions;
  readonly #fleets: Fleets;
  /** Found when it is asked for, until something changes. */
  #owners: ReadonlyMap<string, string> | undefined;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    this.#fleets = new Fleets(options.clock.nowSeconds());
  }

  /** By policy key, of those whose status is this instance's to write. */
  get calibrations(): ReadonlyMap<string, Calibration> {
    const { view, territory } = this.#options;
    const isOurs = (key: string) => territory.owns(view.policies.get(key)?.namespace);
    return new Map([...this.#fleets.calibrations].filter(([key]) => isOurs(key)));
  }

  fleetOf(policy: Policy): KnownFleet {
    return this.#fleets.viewOf(policy, this.#options.clock.nowSeconds());
  }

  /** Which policy sizes which workload may be another than before. */
  changed(): void {
    this.#owners = undefined;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { view, territory, outcomes } = this.#options;
    const policy = view.policies.get(key);
    if (policy === undefined) {
      this.#fleets.forget(key);
      territory.publish(key, undefined);
      return;
    }
    if (policy.namespace !== undefined && !territory.owns(policy.namespace)) {
      this.#fleets.forget(key);
      return;
    }
    this.#owners ??= ownersOf(view);
    const look = lookAt(policy, view, { owners: this.#owners, outcomes });
    if (policy.namespace === undefined && territory.shards > 1) {
      await this.#reconcileShared(policy, look, signal);
      return;
    }
    const calibration = this.#calibrationOf(policy, look);
    await this.#write(policy, look, { calibration, signal });
    this.#keep(policy, look, calibration);
  }

  /** Of a policy that reaches into several shards each looks after its part, and one writes the status. */
  async #reconcileShared(policy: Policy, look: PolicyLook, signal: AbortSignal): Promise<void> {
    const { territory } = this.#options;
    const own = withinTerritory(look, territory);
    const alone = this.#calibrationOf(policy, own);
    const calibration = this.#pooled(policy, own, alone);
    if (territory.owns(undefined)) {
      const whole = withOthers(look, policy, this.#options);
      await this.#write(policy, whole, { calibration, signal });
    }
    this.#keep(policy, own, calibration ?? alone);
  }

  #calibrationOf(policy: Policy, look: PolicyLook): Calibration | undefined {
    return calibrationOf(policy, look, {
      verdicts: this.#fleets.verdicts(policy),
      isKnown: this.#fleets.isKnown(policy),
    });
  }

  /**
   * A policy of several shards is judged by the sums of all of them, which each tells the others. Undefined while one of
   * them has not: then what the policy says of itself holds on.
   */
  #pooled(
    policy: Policy,
    own: PolicyLook,
    alone: Calibration | undefined,
  ): Calibration | undefined {
    const { territory } = this.#options;
    const key = policyKey(policy);
    const isWhole = alone !== undefined || own.owned.length === 0;
    const figures = isWhole ? figuresOf(containersOf(own.outcomes)) : undefined;
    territory.publish(key, figures);
    const others = territory.figuresOfOthers(key);
    if (figures === undefined || others === undefined) return undefined;
    const confidence = parsePercent(policy.spec.riskTolerance.confidence);
    const sum = sumOf([figures, ...others]);
    if (sum.cpu.all.containers === 0) return undefined;
    return calibrate(sum, confidence, verdictsOf(policy.status));
  }

  async #write(
    policy: Policy,
    look: PolicyLook,
    known: { readonly calibration: Calibration | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const { clock, writer } = this.#options;
    const { calibration, signal } = known;
    const status = policyStatusOf(policy, look, { calibration, nowSeconds: clock.nowSeconds() });
    if (status === undefined) return;
    await writer.applyPolicyStatus(policy, status, signal);
    this.#tell(policy, status);
  }

  /** The verdicts are those of the whole policy, the margins those of this instance's part of it. */
  #keep(policy: Policy, own: PolicyLook, calibration: Calibration | undefined): void {
    const { clock, again } = this.#options;
    if (calibration === undefined) return;
    const found = { calibration, nowSeconds: clock.nowSeconds() };
    if (!this.#fleets.set(policy, containersOf(own.outcomes), found)) return;
    for (const workload of own.owned) again(workload);
  }

  #tell(policy: Policy, status: PolicyStatus): void {
    const { log, events } = this.#options;
    const { kind, namespace, name, uid } = policy;
    const owner = { apiVersion: API_VERSION, kind, name, uid };
    const regarding = namespace === undefined ? owner : { ...owner, namespace };
    for (const { type, reason, note } of policyNotes(policy.status, status)) {
      log[type === 'Warning' ? 'warn' : 'info']({ policy: policyKey(policy), reason }, note);
      events.record({ regarding, type, reason, action: 'Recommend', note });
    }
  }
}

function withinTerritory(look: PolicyLook, territory: Territory): PolicyLook {
  const owned = look.owned.filter((key) => territory.owns(namespaceOfKey(key)));
  return { ...look, owned };
}

/** What other shards' workloads came to stands in their Recommendations. */
function withOthers(
  look: PolicyLook,
  policy: Policy,
  { view, territory }: PoliciesOptions,
): PolicyLook {
  const others = look.owned.filter((key) => !territory.owns(namespaceOfKey(key)));
  const outcomes = [...look.outcomes, ...outcomesOfOthers(others, policyKey(policy), view)];
  return { ...look, outcomes };
}

/** Of a workload's key. */
export function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
