import { parseDuration } from '../api/duration.ts';
import { policyKey } from '../controller/policy.ts';
import { UnpackedContainers } from '../controller/containerusage.ts';
import { workloadKey, type ClusterView, type UsageReading } from '../controller/ports.ts';
import { compose, containersOf } from '../controller/compose.ts';
import { excessesOf } from '../controller/containeroutcome.ts';
import { recommendationName } from '../controller/reconcile.ts';
import { ALONE, fleetMargins, type FleetView } from '../recommend/fleet.ts';
import type { PrometheusSource } from '../prometheus/source.ts';
import type { ReportRow } from '../report/report.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import {
  openPrometheus,
  seeCluster,
  usageQuery,
  type ClusterFlags,
  type Context,
  type GovernedWorkload,
  type Seen,
} from './clusterview.ts';
import type { GivenPolicy } from './policyflags.ts';
import type { Report } from './report.ts';

/** Recommendations for what runs in a cluster, from one look at it. */
export async function recommendCluster(
  flags: ClusterFlags,
  given: GivenPolicy,
  context: Context,
): Promise<Report> {
  const source = openPrometheus(flags, context);
  try {
    const seen = await seeCluster(flags, given, context);
    return await reportOf(seen, source, context.signal);
  } finally {
    source.close();
  }
}

async function reportOf(
  { view, governed, notes }: Seen,
  source: PrometheusSource,
  signal: AbortSignal,
): Promise<Report> {
  const toSeconds = SYSTEM_CLOCK.nowSeconds();
  const rows: ReportRow[] = [];
  const failures: string[] = [];
  const warnings = new Set<string>();
  const byWindow = Map.groupBy(governed, ({ governance }) => governance.policy.spec.history.window);
  for (const [window, group] of byWindow) {
    const fromSeconds = toSeconds - parseDuration(window);
    const answer = await source.read(usageQuery(view, group, { fromSeconds, toSeconds }), signal);
    for (const { message } of answer.warnings) warnings.add(message);
    for (const { workload } of group) {
      const key = workloadKey(workload.ref);
      const failure = answer.failures.get(key);
      if (failure !== undefined) failures.push(`${key}: ${failure.message}`);
    }
    rows.push(...rowsOf(group, { view, answer, nowSeconds: toSeconds }));
  }
  return { rows, failures, notes: [...notes, ...warnings] };
}

interface Look {
  readonly view: ClusterView;
  readonly answer: UsageReading;
  readonly nowSeconds: number;
}

/** Twice over: what the containers of a policy say of its margins is known once all of them were looked at. */
function rowsOf(group: readonly GovernedWorkload[], look: Look): readonly ReportRow[] {
  const byPolicy = Map.groupBy(group, ({ governance }) => policyKey(governance.policy));
  return [...byPolicy.values()].flatMap((fleet) => {
    const alone = fleet.map((each) => composed(each, look, ALONE));
    const containers = containersOf(alone.map(({ outcome }) => outcome));
    const view = { ...ALONE, marginOf: fleetMargins(excessesOf(containers)) };
    return fleet.map((each) => rowOf(each, composed(each, look, view).status));
  });
}

function composed(
  { workload, governance }: GovernedWorkload,
  { view, answer, nowSeconds }: Look,
  fleet: FleetView,
) {
  const key = workloadKey(workload.ref);
  const read = answer.usage.get(key) ?? new Map<string, never>();
  const held = new Map([...read].map(([name, packed]) => [name, { packed }]));
  const containers = new UnpackedContainers(() => held);
  const failure = answer.failures.get(key);
  return compose(workload, {
    view,
    nowSeconds,
    governance,
    usage: { containers, failure, isRead: failure === undefined },
    stored: undefined,
    fleet,
  });
}

function rowOf({ workload }: GovernedWorkload, status: ReportRow['status']): ReportRow {
  const { kind, name, namespace } = workload.ref;
  return {
    namespace,
    name: recommendationName(workload.ref),
    targetRef: { apiVersion: workload.apiVersion, kind, name },
    status,
  };
}
