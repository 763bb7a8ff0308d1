import type { Resource } from '../recommend/usage.ts';
import { DAY_BINS, HOUR_BINS, type GridSeries } from './grid.ts';
import { PEERS } from './peers/catalogue.ts';
import { currentRows } from './peers/current.ts';
import { decideAll, rowsOf, type Decisions } from './peers/decisions.ts';
import type { Knob, PeerName } from './peers/peer.ts';
import type { Usage } from './peers/window.ts';
import { leastSamples, type Protocol } from './protocol.ts';
import { scoreSeries, type SeriesScore } from './score.ts';
import { sweepKnobs, sweepSeries, type SeriesSweep } from './sweep.ts';

/** How often a peer decides: as commonly run (each day; each 6 h of a short series), or each hour. */
export type PeerCadence = 'daily' | 'hourly';

/** How one peer at one cadence fared on one series. */
export interface PeerRun {
  readonly peer: PeerName;
  readonly cadence: PeerCadence;
  readonly shipped: SeriesScore;
  readonly sweep: SeriesSweep;
}

export interface PeerOptions {
  readonly resource: Resource;
  readonly protocol: Protocol;
  readonly peers: readonly PeerName[];
  readonly cadences: readonly PeerCadence[];
  /** Cores in one unit of a CPU trace that gives the share of a machine; 1 by default. */
  readonly coresPerUnit?: number;
}

/**
 * Runs the peers over one resource of one series, as shipped and over all settings of their knob: one run for each
 * cadence and peer, in this order. Empty when the series has no sample to score, or used nothing.
 */
export function runPeers(series: GridSeries, options: PeerOptions): readonly PeerRun[] {
  const { resource, protocol, peers, cadences } = options;
  const usage = usageOf(series, options);
  const firstBin = firstDecision(usage.values, protocol);
  if (firstBin === undefined) return [];
  const turned = peers.map((name) => ({
    peer: PEERS[name],
    knobs: sweepKnobs(PEERS[name], resource),
  }));
  const runs = cadences.flatMap((cadence) => {
    const everyBins = cadence === 'daily' ? protocol.periodBins : HOUR_BINS;
    return decideAll(usage, resource, turned, { firstBin, everyBins })
      .map((decisions) => ({ decisions, cadence }))
      .flatMap((run) => scoreRun(series, options, run) ?? []);
  });
  return runs.length === peers.length * cadences.length ? runs : [];
}

function scoreRun(
  series: GridSeries,
  { resource, protocol }: PeerOptions,
  { decisions, cadence }: { readonly decisions: Decisions; readonly cadence: PeerCadence },
): PeerRun | undefined {
  const { peer, knobs } = decisions;
  const values = series[resource];
  const rows = rowsOf(decisions, shippedKnob(peer.shipped[resource], knobs), values.length);
  const shipped = scoreSeries(values, rows, { protocol, stepSeconds: series.stepSeconds });
  const sweep = sweepSeries(values, decisions, {
    periodBins: protocol.periodBins,
    leastSamples: leastSamples(series.stepSeconds, protocol),
  });
  if (shipped === undefined || sweep === undefined) return undefined;
  return { peer: peer.name, cadence, shipped, sweep };
}

function shippedKnob(shipped: Knob, knobs: readonly Knob[]): number {
  return knobs.findIndex(
    ({ percentile, margin }) => percentile === shipped.percentile && margin === shipped.margin,
  );
}

/** How the request that the source knows fares; undefined without one, or without a sample to score. */
export function scoreCurrent(
  series: GridSeries,
  request: number | undefined,
  { resource, protocol }: Pick<PeerOptions, 'resource' | 'protocol'>,
): SeriesScore | undefined {
  const values = series[resource];
  const firstBin = firstDecision(values, protocol);
  if (firstBin === undefined) return undefined;
  const rows = currentRows(request, { firstBin, length: values.length });
  if (rows.length === 0) return undefined;
  return scoreSeries(values, rows, { protocol, stepSeconds: series.stepSeconds });
}

function usageOf(series: GridSeries, { resource, coresPerUnit = 1 }: PeerOptions): Usage {
  return {
    values: series[resource],
    startSeconds: series.startSeconds,
    unit: resource === 'cpu' ? coresPerUnit : 1,
  };
}

/** The protocol's start, or the first period after a day of the resource's own history where that is later. */
function firstDecision(
  values: Float64Array,
  { firstBin, periodBins }: Protocol,
): number | undefined {
  const first = values.findIndex(Number.isFinite);
  if (first === -1) return undefined;
  const late = Math.ceil((first + DAY_BINS) / periodBins) * periodBins;
  return Math.max(firstBin, late);
}
