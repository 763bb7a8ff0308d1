import { isDeepStrictEqual } from 'node:util';
import { conditionsOf, type Observation } from '../api/conditions.ts';
import { parsePercent } from '../api/percent.ts';
import type { PolicyStatus } from '../api/policy.ts';
import { formatTime } from '../api/timestamp.ts';
import { calibrate, type Calibration, type Verdicts } from './calibration.ts';
import { calibrationStatus, riskObservation } from './calibrationstatus.ts';
import { containersOf, type Outcome } from './compose.ts';
import { figuresOf } from './figures.ts';
import { namespaceOf, policyOf } from './gather.ts';
import { policyObservations } from './policyobservations.ts';
import { matchesWorkload, policyKey } from './policy.ts';
import type { Policy } from './ports.ts';
import type { ClusterView } from './ports.ts';
import { isOfUnreadablePolicy, recommendationName } from './reconcile.ts';
import { quantities } from './status.ts';
import { windowProblems } from './windows.ts';

/** Those in which nothing holds the recommendation. */
const RECOMMENDED_STATES: ReadonlySet<string> = new Set([
  'Recommended',
  'Fits',
  'NextPod',
  'NextRun',
  'Applied',
]);

/** The workloads of a policy, as they are now. */
export interface PolicyLook {
  /** Number of workloads that the selector matches. */
  readonly matching: number;
  /** Keys of those that no other policy goes before for. */
  readonly owned: readonly string[];
  /** What became of the owned; one that was not read yet has none. */
  readonly outcomes: readonly Outcome[];
}

/** By workload key the key of the policy that sizes it, found once for all policies. */
export function ownersOf(view: ClusterView): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const [key, workload] of view.workloads) {
    const { namespace } = workload.ref;
    const stored = view.recommendations.get(`${namespace}/${recommendationName(workload.ref)}`);
    const owner = policyOf(view, workload);
    if (owner !== undefined && !isOfUnreadablePolicy(stored, view))
      owners.set(key, policyKey(owner));
  }
  return owners;
}

export function lookAt(
  policy: Policy,
  view: ClusterView,
  known: {
    readonly owners: ReadonlyMap<string, string>;
    readonly outcomes: ReadonlyMap<string, Outcome>;
  },
): PolicyLook {
  const { owners, outcomes } = known;
  const matching = [...view.workloads].filter(([, workload]) =>
    matchesWorkload(policy, workload, namespaceOf(view, workload.ref.namespace)),
  );
  const key = policyKey(policy);
  const owned = matching
    .map(([workloadKey]) => workloadKey)
    .filter((workloadKey) => owners.get(workloadKey) === key);
  return {
    matching: matching.length,
    owned,
    outcomes: owned.flatMap((workloadKey) => {
      const outcome = outcomes.get(workloadKey);
      return outcome?.policyKey === key ? [outcome] : [];
    }),
  };
}

/**
 * Whether the policy keeps its promises. Undefined until all of its workloads were read once (`isKnown`), or can none of
 * them be read, since part of them would say something else than the whole. One that comes later is waited for by nobody.
 */
export function calibrationOf(
  policy: Policy,
  { owned, outcomes }: PolicyLook,
  known: { readonly verdicts: Verdicts; readonly isKnown: boolean },
): Calibration | undefined {
  const isWhole = known.isKnown || outcomes.length === owned.length;
  if (!isWhole) return undefined;
  const figures = figuresOf(containersOf(outcomes));
  if (figures.cpu.all.containers === 0) return undefined;
  const confidence = parsePercent(policy.spec.riskTolerance.confidence);
  return calibrate(figures, confidence, known.verdicts);
}

/**
 * The status of a policy from what became of its workloads; undefined when it says what it said before. Figures of the
 * calibration move with every sample: they are brought up to date when anything else changes, and once a UTC day.
 */
export function policyStatusOf(
  policy: Policy,
  look: PolicyLook,
  known: { readonly calibration: Calibration | undefined; readonly nowSeconds: number },
): PolicyStatus | undefined {
  const { matching, owned, outcomes } = look;
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  const counts = {
    workloads: matching,
    owned: owned.length,
    unread: known.calibration === undefined ? owned.length - outcomes.length : 0,
    failing: failures.length,
  };
  const risk = riskOf(policy, look, known);
  const status: PolicyStatus = {
    conditions: conditionsOf(
      [
        ...policyObservations(
          { ...counts, failure: failures[0] },
          windowProblems(policy.spec.changes.windows),
        ),
        ...risk.observations,
      ],
      policy.status?.conditions,
      { now: formatTime(known.nowSeconds), generation: policy.generation },
    ),
    observedGeneration: policy.generation,
    workloads: counts.workloads,
    owned: counts.owned,
    recommended: outcomes.filter(({ state }) => RECOMMENDED_STATES.has(state)).length,
    held: outcomes.filter(({ reason }) => reason !== undefined).length,
    savings: quantities(totalSavings(outcomes)),
    ...(risk.calibration && { calibration: risk.calibration }),
  };
  return isDeepStrictEqual(material(status), material(policy.status)) ? undefined : status;
}

/** While the workloads cannot be judged as a whole, what was said of them stays. */
function riskOf(
  { status }: Policy,
  { owned }: PolicyLook,
  known: { readonly calibration: Calibration | undefined; readonly nowSeconds: number },
): {
  readonly observations: readonly Observation[];
  readonly calibration: PolicyStatus['calibration'];
} {
  if (owned.length === 0) return { observations: [], calibration: undefined };
  const { calibration, nowSeconds } = known;
  if (calibration === undefined) {
    return {
      observations: status?.conditions?.filter(({ type }) => type === 'RiskKept') ?? [],
      calibration: status?.calibration,
    };
  }
  return {
    observations: [riskObservation(calibration)],
    calibration: calibrationStatus(calibration, nowSeconds),
  };
}

function totalSavings(outcomes: readonly Outcome[]): { cpu: number; memory: number } {
  return {
    cpu: outcomes.reduce((sum, { savings }) => sum + savings.cpu, 0),
    memory: outcomes.reduce((sum, { savings }) => sum + savings.memory, 0),
  };
}

function material(status: PolicyStatus | undefined): unknown {
  if (status === undefined) return null;
  const { conditions, calibration, ...others } = status;
  return JSON.parse(
    JSON.stringify({
      ...others,
      day: calibration?.day,
      conditions: conditions?.map((condition) =>
        condition.type === 'RiskKept' ? { ...condition, message: undefined } : condition,
      ),
    }),
  );
}
