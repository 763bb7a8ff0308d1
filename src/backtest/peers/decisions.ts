import type { Resource } from '../../recommend/usage.ts';
import { DAY_BINS } from '../grid.ts';
import { RowBuilder, type Row } from '../walk.ts';
import type { Knob, Peer } from './peer.ts';
import { SortedWindow, type Usage } from './window.ts';

/** No peer looks back further. */
const WINDOW_BINS = 14 * DAY_BINS;

/** When a rule decides: at `firstBin` and each `everyBins` after it (288 is daily, 12 hourly), on the bins before. */
export interface Schedule {
  readonly firstBin: number;
  readonly everyBins: number;
  readonly windowBins?: number;
}

/** A rule and the settings of it that are wanted. */
export interface Turned {
  readonly peer: Peer;
  readonly knobs: readonly Knob[];
}

/** What a rule would have asked for, in the trace's unit. */
export interface Decisions extends Turned {
  readonly schedule: Schedule;
  /** One line a decision, in it one amount a knob; NaN until the rule has seen a sample. */
  readonly amounts: Float64Array;
}

/**
 * Walks several rules over one resource of one series together: they share the sorted window, which costs most.
 * A rule without a sample in its part of the window stays at what it said last. One result for each of `turned`.
 */
export function decideAll(
  usage: Usage,
  resource: Resource,
  turned: readonly Turned[],
  schedule: Schedule,
): readonly Decisions[] {
  const window = new SortedWindow(usage, schedule.windowBins ?? WINDOW_BINS);
  const count = decisionCount(usage.values.length, schedule);
  const rules = turned.map(({ peer, knobs }) => ({
    peer,
    fan: fanOf(knobs),
    decisions: {
      peer,
      knobs,
      schedule,
      amounts: new Float64Array(count * knobs.length).fill(NaN),
    },
  }));
  for (let i = 0; i < count; i++) {
    window.moveTo(schedule.firstBin + i * schedule.everyBins);
    for (const { peer, fan, decisions } of rules) {
      const estimates = peer.estimate(window, resource, fan.percentiles);
      writeLine(decisions, i, estimates && { estimates, places: fan.places });
    }
  }
  return rules.map(({ decisions }) => decisions);
}

/** The rows of one rule; as shipped without a knob. None before its first sample. */
export function peerRows(
  peer: Peer,
  usage: Usage,
  resource: Resource,
  { knob = peer.shipped[resource], ...schedule }: Schedule & { readonly knob?: Knob },
): readonly Row[] {
  const [decisions] = decideAll(usage, resource, [{ peer, knobs: [knob] }], schedule);
  return decisions === undefined ? [] : rowsOf(decisions, 0, usage.values.length);
}

/** The rows of one knob, to the end of the series; equal neighbours are one row. */
export function rowsOf(
  { schedule: { firstBin, everyBins }, knobs, amounts }: Decisions,
  knob: number,
  length: number,
): readonly Row[] {
  const rows = new RowBuilder();
  for (
    let fromBin = firstBin, i = knob;
    fromBin < length;
    fromBin += everyBins, i += knobs.length
  ) {
    const amount = amounts[i] ?? NaN;
    if (Number.isFinite(amount)) rows.add(fromBin, Math.min(fromBin + everyBins, length), amount);
  }
  return rows.rows;
}

function decisionCount(length: number, { firstBin, everyBins }: Schedule): number {
  return Math.max(0, Math.ceil((length - firstBin) / everyBins));
}

/** The percentiles of the knobs, each once and ascending, and where among them each knob finds its own. */
interface Fan {
  readonly percentiles: readonly number[];
  readonly places: readonly number[];
}

function fanOf(knobs: readonly Knob[]): Fan {
  const percentiles = [...new Set(knobs.map(({ percentile }) => percentile))].sort((a, b) => a - b);
  return { percentiles, places: knobs.map(({ percentile }) => percentiles.indexOf(percentile)) };
}

function writeLine(
  { knobs, amounts }: Decisions,
  line: number,
  said: { readonly estimates: Float64Array; readonly places: readonly number[] } | undefined,
): void {
  const at = line * knobs.length;
  if (said === undefined) {
    if (line > 0) amounts.copyWithin(at, at - knobs.length, at);
    return;
  }
  knobs.forEach(({ margin }, k) => {
    amounts[at + k] = (said.estimates[said.places[k] ?? 0] ?? NaN) * margin;
  });
}
