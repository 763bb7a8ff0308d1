import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GridSeries } from '../../src/backtest/grid.ts';
import type { BacktestPage, ResourcePage, WorstSeries } from '../../src/backtest/page.ts';
import { PEER_NAMES } from '../../src/backtest/peers/peer.ts';
import { readGrids } from '../../src/csv/grid.ts';
import { costChart } from '../../src/report/html/costchart.ts';
import { rateHistogram } from '../../src/report/html/histogram.ts';
import { markup } from '../../src/report/html/markup.ts';
import { timelineChart } from '../../src/report/html/timelinechart.ts';
import { percent } from '../../src/report/html/words.ts';
import { pageOfFleet } from './backtest-page.ts';
import { pictureOf, type LegendEntry } from './picture.ts';
import { weeklyBurst } from './synthetic-scenes.ts';
import { DAYS, START, STEP } from './synthetic.ts';
import { tracesFolder } from './trace-shapes.ts';

const RISK = 0.02;

/** Where a trace gives CPU as a share of a machine, four cores are taken; only what is left out as idle depends on it. */
const FOUR_CORES = ['azure-v1-vms', 'nab-aws', 'gcd2011-jobs'];

const OPTIONS = {
  risks: { cpu: RISK, memory: RISK },
  coresOf: (dataset: string) => (FOUR_CORES.some((name) => dataset.startsWith(name)) ? 4 : 1),
};

const LEGEND: readonly LegendEntry[] = [
  [
    markup`<rect class="use-range" x="0" y="1" width="30" height="12"/><path class="use" d="M0 9L10 5L20 8L30 4"/>`,
    'use: range, mean',
  ],
  [markup`<path class="request" d="M0 10H12V4H30"/>`, 'recommended'],
  [markup`<path class="rug" d="M4 4h4v6h-4ZM12 4h10v6h-10Z"/>`, 'use above it'],
];

/** Bursts, a level that shifts up and down again, and hours over the request that stay within the promise. */
const ONE = { dataset: 'azure-v1-vms-a', series: 'sample-vm594559' };

/** The files of the real traces; none where there are none. */
export function traceFiles(): readonly string[] {
  const folder = tracesFolder();
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.csv.gz'));
  return names.sort().map((name) => join(folder, name));
}

export async function picturesOfTraces(): Promise<ReadonlyMap<string, string>> {
  const fleet = await Array.fromAsync(readGrids(traceFiles(), AbortSignal.timeout(120_000)));
  return picturesOf(fleet, ONE);
}

/** The pictures of docs/risk.md by their file names: of a fleet, and of one container in it. */
export function picturesOf(
  fleet: readonly GridSeries[],
  one: Pick<GridSeries, 'dataset' | 'series'>,
): ReadonlyMap<string, string> {
  const cpu = cpuOf(withoutMemory(fleet), true);
  const drawn = fleet.filter(
    ({ dataset, series }) => dataset === one.dataset && series === one.series,
  );
  return new Map([
    [
      'cost-versus-risk.svg',
      pictureOf({
        title: `CPU of ${cpu.all.series} series: what each risk costs`,
        chart: costChart(cpu, 'hourly'),
      }),
    ],
    [
      'realised-risk.svg',
      pictureOf({
        title: `${percent(RISK)} promised: what each container realised`,
        chart: rateHistogram(cpu),
      }),
    ],
    ['one-container.svg', timelinePicture('One machine', worstOf(drawn))],
    ['weekly-burst.svg', timelinePicture('Made up', worstOf([gridOfWeeklyBurst()]))],
  ]);
}

function withoutMemory(fleet: readonly GridSeries[]): readonly GridSeries[] {
  return fleet.map((series) => ({ ...series, memory: new Float64Array(0) }));
}

function cpuOf(fleet: readonly GridSeries[], hasPeers: boolean): ResourcePage {
  const peers = hasPeers ? PEER_NAMES : [];
  const page: BacktestPage = pageOfFleet(fleet, { options: OPTIONS, peers });
  const cpu = page.resources.find(({ resource }) => resource === 'cpu');
  if (cpu === undefined) throw new Error('no series is long enough to be replayed');
  return cpu;
}

function worstOf(drawn: readonly GridSeries[]): WorstSeries {
  const [worst] = cpuOf(withoutMemory(drawn), false).worst;
  if (worst === undefined) throw new Error('nothing was scored');
  return worst;
}

function timelinePicture(title: string, worst: WorstSeries): string {
  return pictureOf({
    title: `${title}, ${percent(RISK)} promised: use above for ${percent(worst.realised)} of the time`,
    chart: timelineChart(worst, 'cpu'),
    legend: LEGEND,
  });
}

function gridOfWeeklyBurst(): GridSeries {
  const sizes = { requests: {}, limits: {} };
  const cpu = Float64Array.from({ length: (DAYS * 86_400) / STEP }, (_, bin) => {
    const [use] = weeklyBurst(bin * STEP, sizes);
    return use?.cores ?? NaN;
  });
  return {
    dataset: 'made-up',
    series: 'weekly-burst',
    startSeconds: START,
    stepSeconds: STEP,
    cpu,
    memory: new Float64Array(0),
  };
}
