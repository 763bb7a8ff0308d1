import type { Cadence, CadenceSettings } from '../recommend/cadence.ts';
import { Following } from '../recommend/following.ts';
import { Steady } from '../recommend/steady.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { binCount, type GridSeries } from './grid.ts';
import { DAILY, LEAST_MEAN, protocolOf, SHORT, type Protocol } from './protocol.ts';
import { breachPerDay, pooled, scoreSeries, type PooledScore, type SeriesScore } from './score.ts';
import { walkCpu, walkMemory, type Row } from './walk.ts';

export const CADENCES = ['steady', 'tracking'] as const;
export type CadenceName = (typeof CADENCES)[number];

export interface BacktestOptions {
  readonly risks: Readonly<Record<Resource, number>>;
  /** Share of the series that must keep the CPU risk, 0 to 1. */
  readonly confidence: number;
  readonly cadence: CadenceName;
  /** Age at which a sample of CPU counts half; 72 unless stated. */
  readonly halfLifeHours?: number;
  /** Cores that 1.0 of a dataset's CPU stands for: 1 where it gives cores. Only where an absolute size matters. */
  readonly coresOf: (dataset: string) => number;
}

/** What would have been recommended for one resource of one series, and what came of it. */
export interface Replay {
  readonly series: GridSeries;
  readonly resource: Resource;
  readonly protocol: Protocol;
  readonly rows: readonly Row[];
  /** Undefined where it is left out, for the reason given. */
  readonly score: SeriesScore | undefined;
  readonly leftOut: LeftOut | undefined;
}

export type LeftOut = 'Idle' | 'NothingToScore';

/** Series by why they are left out. */
export type LeftOutCounts = Readonly<Partial<Record<LeftOut, number>>>;

export type Verdict = 'kept' | 'missed' | 'too little data';

/** What the series of one resource and protocol realised. */
export interface Outcome {
  readonly resource: Resource;
  readonly protocol: Protocol['name'];
  readonly risk: number;
  readonly all: PooledScore;
  readonly datasets: readonly { readonly dataset: string; readonly score: PooledScore }[];
  /** The promise is about series of a week and more: short ones are reported, not judged. */
  readonly verdict: Verdict | undefined;
  readonly leftOut: LeftOutCounts;
}

export interface Backtest {
  readonly replays: readonly Replay[];
  readonly outcomes: readonly Outcome[];
  /** Series under a day and a half. */
  readonly tooShort: number;
  /** Series without any sample. */
  readonly withoutSample: number;
  /** Also of what has no outcome, since nothing is left. */
  readonly leftOut: Readonly<Record<Resource, LeftOutCounts>>;
  readonly verdict: Verdict;
}

/** Replays each series from the past only, and scores it. The same input gives the same result, bit for bit. */
export function backtest(fleet: readonly GridSeries[], options: BacktestOptions): Backtest {
  const replays = RESOURCES.flatMap((resource) => replayFleet(fleet, resource, options));
  const outcomes = RESOURCES.flatMap((resource) =>
    [DAILY, SHORT].flatMap((protocol) => outcomeOf(replays, { resource, protocol, options })),
  );
  return {
    replays,
    outcomes,
    tooShort: fleet.filter((series) => binCount(series) > 0 && protocolOf(series) === undefined)
      .length,
    withoutSample: fleet.filter((series) => binCount(series) === 0).length,
    leftOut: {
      cpu: countLeftOut(replays.filter(({ resource }) => resource === 'cpu')),
      memory: countLeftOut(replays.filter(({ resource }) => resource === 'memory')),
    },
    verdict: overall(outcomes),
  };
}

export function createCadence(name: CadenceName, settings: CadenceSettings): Cadence {
  return name === 'steady' ? new Steady(settings) : new Following(settings);
}

function replayFleet(
  fleet: readonly GridSeries[],
  resource: Resource,
  options: BacktestOptions,
): readonly Replay[] {
  const replayed = fleet.flatMap((series) => {
    const protocol = protocolOf(series);
    return protocol === undefined || series[resource].length === 0 ? [] : [{ series, protocol }];
  });
  const rows =
    resource === 'cpu'
      ? replayed.map(({ series, protocol }) => cpuRows(series, protocol, options))
      : walkMemory(
          replayed.map(({ series, protocol }) => ({ series, firstBin: protocol.firstBin })),
          options.risks.memory,
        );
  return replayed.map(({ series, protocol }, i) =>
    judged({ series, resource, protocol, rows: rows[i] ?? [] }, options),
  );
}

function cpuRows(
  series: GridSeries,
  { firstBin }: Protocol,
  { risks, confidence, cadence, halfLifeHours }: BacktestOptions,
): readonly Row[] {
  const promise = { risk: risks.cpu, confidence };
  const settings = halfLifeHours === undefined ? promise : { ...promise, halfLifeHours };
  return walkCpu(series, createCadence(cadence, settings), firstBin);
}

function judged(replay: Omit<Replay, 'score' | 'leftOut'>, { coresOf }: BacktestOptions): Replay {
  const { series, resource, protocol, rows } = replay;
  const values = series[resource];
  const scale = resource === 'cpu' ? coresOf(series.dataset) : 1;
  if (mean(values) * scale < LEAST_MEAN[resource]) {
    return { ...replay, score: undefined, leftOut: 'Idle' };
  }
  const score = scoreSeries(values, rows, { protocol, stepSeconds: series.stepSeconds });
  return { ...replay, score, leftOut: score === undefined ? 'NothingToScore' : undefined };
}

function mean(values: Float64Array): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return present.reduce((sum, value) => sum + value, 0) / present.length;
}

/** What the promise is about: time over the request for CPU, days over it for memory. */
export function rateOf(resource: Resource): (score: SeriesScore) => number {
  return resource === 'cpu' ? ({ ex }) => ex : breachPerDay;
}

function outcomeOf(
  replays: readonly Replay[],
  {
    resource,
    protocol,
    options,
  }: {
    readonly resource: Resource;
    readonly protocol: Protocol;
    readonly options: BacktestOptions;
  },
): readonly Outcome[] {
  const here = replays.filter((each) => each.resource === resource && each.protocol === protocol);
  const scored = here.flatMap(({ series, score }) =>
    score === undefined ? [] : [{ dataset: series.dataset, score }],
  );
  if (scored.length === 0) return [];
  const risk = options.risks[resource];
  const pool = (scores: readonly SeriesScore[]) => pooled(scores, risk, rateOf(resource));
  const all = pool(scored.map(({ score }) => score));
  const datasets = [...Map.groupBy(scored, ({ dataset }) => dataset)].map(([dataset, parts]) => ({
    dataset,
    score: pool(parts.map(({ score }) => score)),
  }));
  return [
    {
      resource,
      protocol: protocol.name,
      risk,
      all,
      datasets,
      verdict: protocol === DAILY ? verdictOf(resource, all, options) : undefined,
      leftOut: countLeftOut(here),
    },
  ];
}

function countLeftOut(replays: readonly Replay[]): LeftOutCounts {
  const byReason = Map.groupBy(
    replays.flatMap(({ leftOut }) => leftOut ?? []),
    (reason) => reason,
  );
  return Object.fromEntries([...byReason].map(([reason, found]) => [reason, found.length]));
}

/** A week of one series is the least that says anything on CPU. */
const LEAST_CPU_DAYS = 7;
/** No day hit in n supports 2.3 / n a day at 90 %. */
const NONE_HIT_AT_90 = 2.3;

function verdictOf(
  resource: Resource,
  { days, keep, ex, breachPerDay: breaches }: PooledScore,
  { risks, confidence }: BacktestOptions,
): Verdict {
  if (resource === 'cpu') {
    if (days < LEAST_CPU_DAYS) return 'too little data';
    return keep >= confidence && ex <= risks.cpu ? 'kept' : 'missed';
  }
  if (breaches > risks.memory) return 'missed';
  return NONE_HIT_AT_90 / days > risks.memory ? 'too little data' : 'kept';
}

function overall(outcomes: readonly Outcome[]): Verdict {
  const verdicts = outcomes.flatMap(({ verdict }) => verdict ?? []);
  if (verdicts.includes('missed')) return 'missed';
  if (verdicts.length === 0 || verdicts.includes('too little data')) return 'too little data';
  return 'kept';
}
