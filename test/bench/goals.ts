import type { CoreFigures } from './core.ts';
import type { FleetFigures } from './fleet.ts';
import type { PartResult } from './task.ts';

/** The parts of one run, for so many containers. */
export interface ServerRun {
  readonly containers: number;
  readonly parts: readonly PartResult[];
}

export interface Results {
  readonly servers: readonly ServerRun[];
  readonly core: CoreFigures | undefined;
  readonly fleets: readonly FleetFigures[];
}

/** What was aimed at, what came of it, and whether that is good enough. */
export interface Judged {
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean;
}

const MEGABYTE = 1e6;

function partOf({ parts }: ServerRun, row: PartResult['row']): PartResult['figures'] {
  const part = parts.find((each) => each.row === row);
  if (part === undefined) throw new Error(`the run has no part "${row}"`);
  return part.figures;
}

function atMost(goal: string, value: number, most: number, unit = ''): Judged {
  return { goal, measured: `${readable(value)}${unit}`, isMet: value <= most };
}

function atLeast(goal: string, value: number, least: number, unit = ''): Judged {
  return { goal, measured: `${readable(value)}${unit}`, isMet: value >= least };
}

/** Three digits are more than a run on a shared machine repeats. */
export function readable(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

export function judgeServer(run: ServerRun): readonly Judged[] {
  const { containers } = run;
  const of = `${containers.toLocaleString('en-US')} containers:`;
  const floor = partOf(run, 'floor');
  const cold = partOf(run, 'cold');
  const refresh = partOf(run, 'refresh');
  const krr = partOf(run, 'krr');
  return [
    atMost(
      `${of} first reading at most 3 × the wall time of the plain download`,
      cold.wallSeconds / floor.wallSeconds,
      3,
      ' ×',
    ),
    atMost(
      `${of} at most 1/10 of the wall time of KRR's queries`,
      cold.wallSeconds / krr.wallSeconds,
      0.1,
    ),
    atMost(
      `${of} at most 1/10 of the server CPU of KRR's queries`,
      cold.serverCpuSeconds / krr.serverCpuSeconds,
      0.1,
    ),
    atMost(
      `${of} refresh of an hour at most 1/100 of the server CPU of the first reading`,
      refresh.serverCpuSeconds / cold.serverCpuSeconds,
      0.01,
    ),
    atMost(
      `${of} refresh of an hour at most 1/100 of the bytes of the first reading`,
      refresh.wireBytes / cold.wireBytes,
      0.01,
    ),
    ...(containers > 1000
      ? []
      : [atMost(`${of} client peak under 300 MB`, cold.clientPeakBytes / MEGABYTE, 300, ' MB')]),
  ];
}

export function judgeGrowth(runs: readonly ServerRun[]): readonly Judged[] {
  const small = runs.find(({ containers }) => containers === 1000);
  const large = runs.find(({ containers }) => containers === 5000);
  if (small === undefined || large === undefined) return [];
  const [few, many] = [partOf(small, 'cold'), partOf(large, 'cold')];
  const each = (run: ServerRun, seconds: number) => seconds / run.containers;
  const time = each(large, many.wallSeconds) / each(small, few.wallSeconds);
  const memory = (many.clientPeakBytes - few.clientPeakBytes) / (5000 - 1000);
  return [
    {
      goal: '1,000 → 5,000 containers: wall time per container within ± 20 %',
      measured: `${readable(time)} ×`,
      isMet: Math.abs(time - 1) <= 0.2,
    },
    atMost(
      '1,000 → 5,000 containers: at most 12 kB more at the peak per container',
      memory / 1000,
      12,
      ' kB',
    ),
  ];
}

export function judgeCore(core: CoreFigures): readonly Judged[] {
  const { containers, days, seconds } = core.calibration;
  const { xorSamplesPerSecond, samplesFoldedPerSecond } = core;
  const each = 'million samples/s';
  return [
    atLeast(`decoding at least 12 ${each}`, xorSamplesPerSecond / 1e6, 12, ' M/s'),
    atLeast(`folding at least 30 ${each}`, samplesFoldedPerSecond / 1e6, 30, ' M/s'),
    atMost(
      `calibration of ${containers.toLocaleString('en-US')} containers × ${days} d under 20 s`,
      seconds,
      20,
      ' s',
    ),
  ];
}

export function judgeFleet({
  containers,
  shards,
  rssBytes,
  refreshCpuSeconds,
}: FleetFigures): readonly Judged[] {
  const of = containers.toLocaleString('en-US');
  const most = shards > 1 ? 1000 : 350;
  const what = shards > 1 ? `${of} containers over ${shards} shards, each:` : `${of} containers:`;
  const memory = atMost(`${what} under ${most} MB`, rssBytes / MEGABYTE, most, ' MB');
  if (shards === 1) return [memory];
  return [
    memory,
    atMost(`${what} refresh of 23:00 under 60 s of CPU`, refreshCpuSeconds, 60, ' s'),
  ];
}
