import { formatPercent } from '../api/percent.ts';
import { GridFold, type GridUsage } from '../backtest/gridfold.ts';
import type { GridSeries } from '../backtest/grid.ts';
import { gather } from '../controller/gather.ts';
import { workloadKey, type ClusterView } from '../controller/ports.ts';
import type { Folding } from '../prometheus/folds.ts';
import type { ReadingOf } from '../prometheus/jobs.ts';
import { ALONE } from '../recommend/fleet.ts';
import { RESOURCES, type Amounts, type Resource } from '../recommend/usage.ts';
import type { GovernedWorkload } from './clusterview.ts';

/** In unix seconds. */
export interface Window {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** Lays the samples of each container on the grid, the highest of all replicas; signals are not replayed. */
export function gridFolding({ fromSeconds, toSeconds }: Window): Folding<GridUsage> {
  return {
    withSignals: false,
    open() {
      const fold = new GridFold(fromSeconds, toSeconds);
      return { sink: fold, close: () => fold.usage() };
    },
  };
}

/** The series, by name, with the requests of today: those of the pod template, as the API server completes them. */
export function fleetOf(
  view: ClusterView,
  governed: readonly GovernedWorkload[],
  usage: ReadingOf<GridUsage>['usage'],
): ReadonlyMap<GridSeries, Amounts> {
  const fleet = new Map<GridSeries, Amounts>();
  const byKey = new Map(governed.map((each) => [workloadKey(each.workload.ref), each]));
  for (const [, { workload, governance }] of [...byKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { ref } = workload;
    const pod = gather(view, workload, {
      governance,
      usage: { containers: new Map() },
      stored: undefined,
      fleet: ALONE,
      nowSeconds: 0,
    });
    const used = usage.get(workloadKey(ref));
    for (const { name, current, settings } of pod.containers) {
      const grid = used?.get(name);
      if (grid === undefined || settings === undefined) continue;
      const series = `${ref.kind}/${ref.name}/${name}`;
      fleet.set({ dataset: ref.namespace, series, ...grid }, current.requests);
    }
  }
  return fleet;
}

/** One risk holds for the whole fleet; says how many workloads have another of their own. */
export function otherRisks(
  governed: readonly GovernedWorkload[],
  risks: Readonly<Record<Resource, number>>,
): readonly string[] {
  const others = governed.filter(({ governance }) =>
    [...governance.settings.values()].some((settings) =>
      RESOURCES.some((resource) => settings.resources[resource].risk !== risks[resource]),
    ),
  );
  if (others.length === 0) return [];
  const held = `${formatPercent(risks.cpu)} for CPU and ${formatPercent(risks.memory)} for memory`;
  return [
    `${others.length} of ${governed.length} workloads have another risk by their own policy: all are replayed at ${held}`,
  ];
}
