import type { PeerCadence } from '../../backtest/compare.ts';
import type { CurvePoint, PeerCurve } from '../../backtest/costcurve.ts';
import type { ResourcePage } from '../../backtest/page.ts';
import { markup, type Markup } from './markup.ts';
import { apart, linePath, logarithmic, ticksAmong, type Scale, type Span } from './scale.ts';
import { percent, times, wordsOf } from './words.ts';

const WIDTH = 520;
const HEIGHT = 380;
const PLOT = { left: 46, right: 424, top: 22, bottom: 318 } as const;
const LABEL_GAP = 19;
/** Points nearer than this to the one before have no room for a label; the table has their numbers. */
const CLEAR = 24;
/** One for each peer, so that lines differ without colour. */
const DASHES = ['', '7 3', '2 3', '9 3 2 3', '4 2', '12 4'] as const;
const RATE_TICKS = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005];
const COST_TICKS = [0.5, 0.6, 0.8, 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20, 30];

interface Axes {
  readonly x: Scale;
  readonly y: Scale;
  readonly rates: Span;
  readonly costs: Span;
}

/**
 * Cost over realised rate, both logarithmic, less risk to the right: ours at each promised risk, and the peers of one
 * cadence. Peers are drawn over the rates that ours spans, with some margin.
 */
export function costChart(
  { resource, curve, peers }: ResourcePage,
  cadence: PeerCadence | undefined,
): Markup {
  const rates = spanOfRates(curve);
  const shown = (peers?.curves ?? []).map((one) => within(one, rates));
  const axes = axesOf(curve, shown, rates);
  const here = shown.filter((one) => one.cadence === cadence && one.points.length > 0);
  const { rate } = wordsOf(resource);
  const label = `Cost at each share of ${rate} the request: ${curve.map((one) => `${percent(one.realised)} costs ${times(one.cost)}`).join(', ')}`;
  return markup`<svg class="chart cost-chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<title>${label}</title>
${grid(axes)}
${here.map((one, i) => peerLine(one, axes, DASHES[i % DASHES.length] ?? ''))}
${ownLine(curve, axes)}
${peerNames(here, axes)}
<text class="axis-name" x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">realised ${rate}, less risk to the right →</text>
<text class="axis-name" x="4" y="12">request ÷ use</text>
</svg>`;
}

/** From the highest rate to the lowest. */
function spanOfRates(curve: readonly CurvePoint[]): Span {
  const rates = curve.map(({ realised }) => Math.max(realised, 0.0005));
  return {
    from: Math.min(Math.max(...rates) * 1.7, 1),
    to: Math.max(Math.min(...rates) / 1.8, 0.0004),
  };
}

function within(curve: PeerCurve, { from, to }: Span): PeerCurve {
  const points = curve.points.filter(({ realised }) => realised <= from && realised >= to);
  return { ...curve, points };
}

function axesOf(curve: readonly CurvePoint[], shown: readonly PeerCurve[], rates: Span): Axes {
  const own = curve.map(({ cost }) => cost);
  const theirs = shown.flatMap(({ points }) => points.map(({ cost }) => cost));
  // A peer that needs ten times our cost would press all else flat.
  const most = Math.min(Math.max(...own, ...theirs), 4 * Math.max(...own));
  const costs = { from: Math.min(...own, ...theirs) / 1.08, to: most * 1.08 };
  return {
    rates,
    costs,
    x: logarithmic(rates, { from: PLOT.left, to: PLOT.right }),
    y: logarithmic(costs, { from: PLOT.bottom, to: PLOT.top }),
  };
}

function grid({ x, y, rates, costs }: Axes): Markup {
  const columns = ticksAmong(RATE_TICKS, { from: rates.to, to: rates.from }, 7);
  const lines = ticksAmong(COST_TICKS, costs, 7);
  return markup`<g class="grid">
${columns.map((rate) => markup`<line x1="${x(rate)}" x2="${x(rate)}" y1="${PLOT.top}" y2="${PLOT.bottom}"/><text x="${x(rate)}" y="${PLOT.bottom + 20}" text-anchor="middle">${percent(rate)}</text>`)}
${lines.map((cost) => markup`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(cost)}" y2="${y(cost)}"/><text x="${PLOT.left - 7}" y="${y(cost) + 4}" text-anchor="end">${cost}</text>`)}
</g>`;
}

function peerLine(
  { points, shipped }: PeerCurve,
  { x, y, rates, costs }: Axes,
  dash: string,
): Markup {
  const path = linePath(
    points.map(({ realised, cost }) => (cost > costs.to ? undefined : [x(realised), y(cost)])),
  );
  const left = x(shipped.realised);
  const top = y(shipped.cost);
  const isShown =
    shipped.realised <= rates.from && shipped.realised >= rates.to && shipped.cost <= costs.to;
  return markup`<path class="peer" d="${path}" stroke-dasharray="${dash}"/>${isShown ? markup`<rect class="shipped" x="${left - 3.5}" y="${top - 3.5}" width="7" height="7"/>` : ''}`;
}

function ownLine(curve: readonly CurvePoint[], { x, y, rates }: Axes): Markup {
  const places = curve.map(({ realised, cost, risk }) => ({
    risk,
    left: x(Math.max(realised, rates.to)),
    top: y(cost),
  }));
  const [first] = places;
  return markup`<path class="own" d="${linePath(places.map(({ left, top }) => [left, top]))}"/>
${places.map(({ risk, left, top }, i) => {
  const before = places[i - 1];
  const isClear = before === undefined || Math.hypot(left - before.left, top - before.top) > CLEAR;
  const name = markup`<text class="own-risk" x="${left + 5}" y="${top + 20}">${percent(risk)}</text>`;
  return markup`<circle class="own-point" cx="${left}" cy="${top}" r="5"/>${isClear ? name : ''}`;
})}
${first === undefined ? '' : markup`<text class="own-risk" x="${first.left}" y="${first.top - 12}" text-anchor="middle">ours</text>`}`;
}

function peerNames(here: readonly PeerCurve[], { x, y, costs }: Axes): Markup {
  const ends = here.flatMap(({ peer, points }) => {
    const last = points.findLast(({ cost }) => cost <= costs.to);
    return last === undefined ? [] : [{ peer, left: x(last.realised), top: y(last.cost) }];
  });
  const places = apart(
    ends.map(({ top }) => top),
    LABEL_GAP,
    { from: PLOT.top, to: PLOT.bottom },
  );
  return markup`${ends.map(({ peer, left, top }, i) => {
    const place = places[i] ?? 0;
    return markup`<path class="leader" d="${linePath([
      [left + 3, top],
      [PLOT.right + 6, place],
      [PLOT.right + 10, place],
    ])}"/><text class="peer-name" x="${PLOT.right + 13}" y="${place + 4}">${peer}</text>`;
  })}`;
}
