import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { traceLines } from '../../src/csv/lines.ts';
import { parseRow, type Position } from '../../src/csv/row.ts';
import type { UsageShape } from './cluster-metrics.ts';
import {
  generatedShapes,
  random,
  type ShapeKind,
  type ShapeScale,
  type ShapeSource,
  type ShapeWindow,
} from './history-generator.ts';

/** One series of a trace that shows a behaviour; memory comes from elsewhere where the trace has none that fits. */
interface TracePick {
  readonly dataset: string;
  readonly series: string;
  /** Bitbrains counts active memory, which no container's working set looks like. */
  readonly memory: 'trace' | 'generated';
}

const PICKS: Readonly<Record<ShapeKind, readonly TracePick[]>> = {
  steady: [
    { dataset: 'gcd2011-jobs', series: 'job2624991179', memory: 'trace' },
    { dataset: 'kruize-openshift-a', series: 'tfb-qrh-server', memory: 'trace' },
    { dataset: 'kruize-openshift-a', series: 'eap-app-america', memory: 'trace' },
  ],
  diurnal: [
    { dataset: 'gcd2011-jobs', series: 'job2298780147', memory: 'trace' },
    { dataset: 'gcd2011-jobs', series: 'job3553754713', memory: 'trace' },
  ],
  bursty: [
    { dataset: 'bitbrains-rnd-a', series: 'vm093', memory: 'generated' },
    { dataset: 'azure-v1-vms-a', series: 'periodic-vm1760080', memory: 'generated' },
  ],
  batch: [{ dataset: 'azure-v1-vms-a', series: 'periodic-vm1239939', memory: 'generated' }],
  growing: [{ dataset: 'google2019-borg-tasks-a', series: 'job399-task19', memory: 'trace' }],
  idle: [
    { dataset: 'kruize-openshift-a', series: 'costmanagement-metrics-operator', memory: 'trace' },
    { dataset: 'kruize-openshift-a', series: 'python-sample', memory: 'trace' },
  ],
};

const DAY = 86_400;
const WINDOW_DAYS = 14;

/** Shapes of the traces in `folder` when all of those needed are there, else generated ones. */
export async function findShapes(folder: string, signal: AbortSignal): Promise<ShapeSource> {
  const picks = Object.values(PICKS).flat();
  const datasets = [...new Set(picks.map(({ dataset }) => dataset))];
  const files = new Map(datasets.map((name) => [name, join(folder, `${name}.csv.gz`)]));
  if (![...files.values()].every((file) => existsSync(file))) return generatedShapes;
  const traces = new Map<TracePick, Trace>();
  for (const [dataset, file] of files) {
    const wanted = picks.filter((pick) => pick.dataset === dataset);
    for (const [pick, trace] of await readPicks(file, wanted, signal)) traces.set(pick, trace);
  }
  return { origin: `real traces: ${datasets.join(', ')}`, shape: traceShape(traces) };
}

/** Where real traces lie: `TRACES`, else beside the repository. */
export function tracesFolder(): string {
  return process.env['TRACES'] ?? join(import.meta.dirname, '../../../shared/traces');
}

interface Trace {
  readonly times: readonly number[];
  readonly cpuCores: readonly number[];
  readonly memoryBytes: readonly number[];
}

interface OpenTrace {
  readonly times: number[];
  readonly cpuCores: number[];
  readonly memoryBytes: number[];
}

/** The last two weeks of each wanted series; the file is read no further than the last of them. */
async function readPicks(
  file: string,
  wanted: readonly TracePick[],
  signal: AbortSignal,
): Promise<ReadonlyMap<TracePick, Trace>> {
  const open = new Map<string, OpenTrace>(
    wanted.map(({ series }) => [series, { times: [], cpuCores: [], memoryBytes: [] }]),
  );
  const last = [...open.keys()].sort().at(-1) ?? '';
  let number = 0;
  for await (const lines of traceLines(file, signal)) {
    for (const line of lines) {
      number += 1;
      if (number > 1) addLine(open, line, { file, number });
    }
    if (seriesOfLine(lines.at(-1) ?? '') > last) break;
  }
  return new Map(wanted.map((pick) => [pick, lastWeeks(pick, open.get(pick.series))]));
}

function addLine(open: ReadonlyMap<string, OpenTrace>, line: string, position: Position): void {
  const trace = open.get(seriesOfLine(line));
  const row = trace === undefined ? undefined : parseRow(line, position);
  if (trace === undefined || row === undefined) return;
  trace.times.push(row.timeSeconds);
  trace.cpuCores.push(row.cpuCores ?? 0);
  trace.memoryBytes.push(row.memoryBytes ?? 0);
}

function seriesOfLine(line: string): string {
  return line.slice(0, line.indexOf(','));
}

function lastWeeks({ dataset, series }: TracePick, trace: Trace | undefined): Trace {
  const end = trace?.times.at(-1);
  if (trace === undefined || end === undefined) {
    throw new Error(`the trace ${dataset} has no series ${series}`);
  }
  const first = trace.times.findIndex((time) => time > end - WINDOW_DAYS * DAY);
  return {
    times: trace.times.slice(first),
    cpuCores: trace.cpuCores.slice(first),
    memoryBytes: trace.memoryBytes.slice(first),
  };
}

function traceShape(traces: ReadonlyMap<TracePick, Trace>): ShapeSource['shape'] {
  return (kind, scale, window) => {
    const picks = PICKS[kind];
    const pick = picks[Math.floor(random(window.seed, 0) * picks.length)];
    const trace = pick === undefined ? undefined : traces.get(pick);
    if (pick === undefined || trace === undefined) throw new Error(`no trace for ${kind}`);
    const generated = generatedShapes.shape(kind, scale, window);
    const shape = scaled(trace, kind, scale, window);
    return pick.memory === 'trace' ? shape : { ...shape, memoryBytes: generated.memoryBytes };
  };
}

/**
 * The trace moved so that it ends with the window, holes closed by the value before. A shorter trace is repeated,
 * in whole days where it has them so that the hour of the day stays; growth is stretched over the window instead.
 */
function scaled(trace: Trace, kind: ShapeKind, scale: ShapeScale, window: ShapeWindow): UsageShape {
  const cpuFactor = scale.cpuCores / quantile(trace.cpuCores, 0.99);
  const memoryFactor = scale.memoryBytes / Math.max(1, ...trace.memoryBytes);
  const place = kind === 'growing' ? stretched(trace, window) : repeated(trace, window);
  return {
    cpuCores: (time) => cpuFactor * (trace.cpuCores[place(time)] ?? 0),
    memoryBytes: (time) => memoryFactor * (trace.memoryBytes[place(time)] ?? 0),
  };
}

function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.floor(p * (sorted.length - 1))] ?? 0;
  return value > 0 ? value : 1;
}

type Place = (timeSeconds: number) => number;

function stretched({ times }: Trace, { fromSeconds, toSeconds }: ShapeWindow): Place {
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const pace = (last - first) / (toSeconds - fromSeconds);
  return (time) => indexAt(times, first + (time - fromSeconds) * pace);
}

function repeated({ times }: Trace, { toSeconds }: ShapeWindow): Place {
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const whole = Math.floor((last - first) / DAY) * DAY;
  const length = whole > 0 ? whole : Math.max(1, last - first);
  return (time) => indexAt(times, last - ((((toSeconds - time) % length) + length) % length));
}

/** Index of the last sample at or before the time; 0 before the first. */
function indexAt(times: readonly number[], timeSeconds: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((times[middle] ?? 0) <= timeSeconds) low = middle;
    else high = middle - 1;
  }
  return low;
}
