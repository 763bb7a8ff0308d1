import type { WorstSeries } from '../../backtest/page.ts';
import type { Timeline, TimelineColumn } from '../../backtest/timeline.ts';
import type { Resource } from '../../recommend/usage.ts';
import { markup, type Markup } from './markup.ts';
import { linear, linePath, ticksTo, type Scale } from './scale.ts';
import { amount, day, percent } from './words.ts';

const WIDTH = 520;
const HEIGHT = 206;
const PLOT = { left: 58, right: 512, top: 12, bottom: 166 } as const;
/** Below the axis: where use was above the request. */
const RUG = { top: 169, height: 6 } as const;
/** A narrower mark would not be seen on a phone. */
const LEAST_MARK = 3;
const DAY_SECONDS = 86_400;
const MOST_DAYS = 5;

/** Use, the recommended request over time and today's request of one series, with marks where use was above. */
export function timelineChart(
  { dataset, series, timeline, current, realised }: WorstSeries,
  resource: Resource,
): Markup {
  const most = highest(timeline, current);
  const unit = resource === 'cpu' ? 1 : binaryUnit(most);
  const ticks = ticksTo(most / unit, 3).map((tick) => tick * unit);
  const y = linear({ from: 0, to: ticks.at(-1) ?? 1 }, { from: PLOT.bottom, to: PLOT.top });
  const x = linear({ from: 0, to: timeline.columns.length }, { from: PLOT.left, to: PLOT.right });
  const label = `${dataset}/${series}: use and recommended request from ${day(timeline.startSeconds)} to ${day(timeline.endSeconds)}; above the request ${percent(realised)}`;
  return markup`<svg class="chart timeline" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<title>${label}</title>
<g class="grid">${ticks.map((tick) => markup`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${PLOT.left - 7}" y="${y(tick) + 4}" text-anchor="end">${amount(resource, tick)}</text>`)}${days(timeline)}</g>
<path class="use-range" d="${rangePath(timeline.columns, x, y)}"/>
<path class="use" d="${linePath(timeline.columns.map(({ mean }, i) => (mean === undefined ? undefined : [x(i + 0.5), y(mean)])))}"/>
<path class="request" d="${stepPath(timeline.columns, x, y)}"/>
${current === undefined ? '' : markup`<line class="current" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(current)}" y2="${y(current)}"/>`}
<path class="rug" d="${rugPath(timeline.columns, x)}"/>
</svg>`;
}

function highest({ columns }: Timeline, current: number | undefined): number {
  const amounts = columns.flatMap(({ high, request }) => [high ?? 0, request ?? 0]);
  return Math.max(current ?? 0, ...amounts);
}

/** The largest power of 1024 that is not above the bytes, so that ticks are round as they are written. */
function binaryUnit(bytes: number): number {
  return bytes < 1 ? 1 : 1024 ** Math.floor(Math.log2(bytes) / 10);
}

/** Midnights, UTC. */
function days({ startSeconds, endSeconds }: Timeline): Markup {
  const x = linear({ from: startSeconds, to: endSeconds }, { from: PLOT.left, to: PLOT.right });
  const all = Math.ceil((endSeconds - startSeconds) / DAY_SECONDS);
  const every = Math.ceil(all / MOST_DAYS);
  const first = Math.ceil(startSeconds / DAY_SECONDS) * DAY_SECONDS;
  const midnights = Array.from(
    { length: Math.ceil(all / every) },
    (_, i) => first + i * every * DAY_SECONDS,
  ).filter((seconds) => x(seconds) < PLOT.right - 24);
  return markup`${midnights.map((seconds) => markup`<line class="midnight" x1="${x(seconds)}" x2="${x(seconds)}" y1="${PLOT.bottom}" y2="${RUG.top + RUG.height + 3}"/><text x="${x(seconds)}" y="${HEIGHT - 8}" text-anchor="middle">${day(seconds)}</text>`)}`;
}

/** One closed shape for each stretch without a gap. */
function rangePath(columns: readonly TimelineColumn[], x: Scale, y: Scale): string {
  const shapes: { i: number; low: number; high: number }[][] = [[]];
  columns.forEach(({ low, high }, i) => {
    if (low === undefined || high === undefined) shapes.push([]);
    else shapes.at(-1)?.push({ i, low, high });
  });
  return shapes
    .filter((shape) => shape.length > 0)
    .map((shape) => {
      const upper = shape.flatMap(({ i, high }) => corners(x, i, y(high)));
      const lower = shape.flatMap(({ i, low }) => corners(x, i, y(low))).toReversed();
      return `${linePath([...upper, ...lower])}Z`;
    })
    .join('');
}

function corners(x: Scale, column: number, top: number): readonly (readonly [number, number])[] {
  return [
    [x(column), top],
    [x(column + 1), top],
  ];
}

function stepPath(columns: readonly TimelineColumn[], x: Scale, y: Scale): string {
  return linePath(
    columns.flatMap<readonly [number, number] | undefined>(({ request }, i) =>
      request === undefined ? [undefined] : corners(x, i, y(request)),
    ),
  );
}

function rugPath(columns: readonly TimelineColumn[], x: Scale): string {
  const width = Math.max(x(1) - x(0), LEAST_MARK).toFixed(1);
  const { top, height } = RUG;
  return columns
    .flatMap(({ over }, i) =>
      over > 0 ? [`M${x(i).toFixed(1)} ${top}h${width}v${height}h-${width}Z`] : [],
    )
    .join('');
}
