import { ALONE, fleetMargins, type FleetView } from '../recommend/fleet.ts';
import type { MarginOf } from '../recommend/sizing.ts';
import type { Resource } from '../recommend/usage.ts';
import { notKept, type Calibration, type Verdicts } from './calibration.ts';
import { verdictsOf } from './calibrationstatus.ts';
import { excessesOf, type ContainerOutcome } from './containeroutcome.ts';
import { policyKey } from './policy.ts';
import type { Policy } from './ports.ts';

interface Fleet {
  /** Another policy of the same name is another policy. */
  readonly uid: string;
  readonly calibration: Calibration;
  readonly marginOf: MarginOf;
  readonly fittedSeconds: number;
}

/** What the containers of a policy say together, once all of them were looked at. */
export interface KnownFleet extends FleetView {
  /** False until each workload of the policy was read, or could not be, or took too long: their margins are not known before. */
  readonly isComplete: boolean;
}

/** One workload that is never read does not keep the others from being written. */
const PATIENCE_SECONDS = 900;

/** What was found of a policy, and when. */
interface Found {
  readonly calibration: Calibration;
  readonly nowSeconds: number;
}

/** A fit takes in what was learned since the one before; peaks of a day change it once a day at most. */
const FIT_SECONDS = 3600;

/** What the workloads of each policy say together, as last looked at. */
export class Fleets {
  /** By policy key. */
  readonly #fleets = new Map<string, Fleet>();
  readonly #startedSeconds: number;

  constructor(startedSeconds: number) {
    this.#startedSeconds = startedSeconds;
  }

  /** By policy key. */
  get calibrations(): ReadonlyMap<string, Calibration> {
    return new Map([...this.#fleets].map(([key, { calibration }]) => [key, calibration]));
  }

  /** As found last, or before that as the policy's own status says. */
  verdicts(policy: Policy): Verdicts {
    const fleet = this.#known(policy);
    if (fleet === undefined) return verdictsOf(policy.status);
    const { cpu, memory } = fleet.calibration;
    return { cpu: cpu.verdict, memory: memory.verdict };
  }

  viewOf(policy: Policy, nowSeconds: number): KnownFleet {
    const fleet = this.#known(policy);
    const marginOf = fleet?.marginOf ?? ALONE.marginOf;
    return {
      notKept: notKept(this.verdicts(policy)),
      marginOf,
      isComplete: fleet !== undefined || nowSeconds - this.#startedSeconds > PATIENCE_SECONDS,
    };
  }

  /** Whether the workloads of the policy are to be looked at again: for the first fit, or since lowering stops or may go on. */
  set(policy: Policy, containers: Iterable<ContainerOutcome>, known: Found): boolean {
    const { calibration, nowSeconds } = known;
    const before = notKept(this.verdicts(policy));
    const last = this.#known(policy);
    const isDue = last === undefined || nowSeconds - last.fittedSeconds >= FIT_SECONDS;
    const fit = isDue
      ? {
          marginOf: fleetMargins(excessesOf(containers)),
          fittedSeconds: nowSeconds,
        }
      : last;
    const { marginOf, fittedSeconds } = fit;
    this.#fleets.set(policyKey(policy), { uid: policy.uid, calibration, marginOf, fittedSeconds });
    return last === undefined || !isSame(before, notKept(this.verdicts(policy)));
  }

  #known(policy: Policy): Fleet | undefined {
    const fleet = this.#fleets.get(policyKey(policy));
    return fleet?.uid === policy.uid ? fleet : undefined;
  }

  isKnown(policy: Policy): boolean {
    return this.#known(policy) !== undefined;
  }

  forget(key: string): void {
    this.#fleets.delete(key);
  }
}

function isSame(before: readonly Resource[], after: readonly Resource[]): boolean {
  return before.length === after.length && before.every((resource) => after.includes(resource));
}
