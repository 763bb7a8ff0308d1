import { parseDuration } from '../api/duration.ts';
import { conditionsOf } from '../api/conditions.ts';
import { containerSettings } from '../controller/settings.ts';
import { recommendationObservations } from '../controller/observations.ts';
import { statusOf } from '../controller/status.ts';
import { readTraces, type TraceSeries } from '../csv/traces.ts';
import { ALONE } from '../recommend/fleet.ts';
import { recommend } from '../recommend/recommend.ts';
import { DAY_SECONDS } from '../recommend/usage.ts';
import type { Progress } from '../report/progress.ts';
import type { ReportRow } from '../report/report.ts';
import { BadInput } from './failure.ts';
import type { GivenPolicy } from './policyflags.ts';
import type { Report } from './report.ts';

const CONTAINER = 'main';

/** Each series as a workload of one container, at the end of its own history. */
export async function recommendTraces(
  files: readonly string[],
  given: GivenPolicy,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Report> {
  const windowSeconds = parseDuration(given.policy.spec.history.window);
  const windowDays = Math.ceil(windowSeconds / DAY_SECONDS);
  const rows: ReportRow[] = [];
  const notes: string[] = [];
  try {
    for (const file of files) {
      const before = rows.length;
      for await (const series of readTraces([file], { windowDays }, signal)) {
        rows.push(rowOf(series, given));
        progress.show(`read ${rows.length} series`);
      }
      if (rows.length === before) notes.push(`${file} has no series with a sample`);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return { rows, failures: [], notes };
}

function rowOf({ dataset, series, history }: TraceSeries, { policy }: GivenPolicy): ReportRow {
  const settings = containerSettings(policy, CONTAINER, []);
  const nowSeconds = history.lastSampleSeconds + history.stepSeconds;
  const recommendations = recommend({
    containers: [
      {
        name: CONTAINER,
        current: { requests: {}, limits: {} },
        settings,
        history,
        oomKill: undefined,
        runsToCompletion: false,
        previous: {},
      },
    ],
    autoscaled: [],
    ...ALONE,
    limitRanges: [],
    largestNode: undefined,
    nowSeconds,
  });
  const observations = recommendationObservations({ recommendations, failure: undefined });
  const status = statusOf({
    pods: 1,
    kinds: new Map([[CONTAINER, 'Container']]),
    policy: {
      kind: policy.kind,
      name: policy.name,
      uid: policy.uid,
      generation: policy.generation,
    },
    mode: 'Recommend',
    settings: new Map(settings === undefined ? [] : [[CONTAINER, settings]]),
    recommendations,
  });
  const now = new Date(nowSeconds * 1000).toISOString();
  return {
    namespace: dataset,
    name: series,
    targetRef: { apiVersion: 'v1', kind: 'Series', name: series },
    status: { ...status, conditions: conditionsOf(observations, undefined, { now }) },
  };
}
