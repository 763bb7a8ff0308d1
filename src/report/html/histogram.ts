import type { ResourcePage } from '../../backtest/page.ts';
import { markup, type Markup } from './markup.ts';
import { linear, ticksTo } from './scale.ts';
import { count, percent, wordsOf } from './words.ts';

const WIDTH = 520;
const HEIGHT = 300;
const PLOT = { left: 8, right: 512, top: 46, bottom: 244 } as const;
/** Upper ends of the bars, as multiples of the promise; the last bar is open. */
const KEPT_ENDS = [0, 0.25, 0.5, 0.75, 1] as const;
const MISSED_ENDS = [1.5, 2, 4, Infinity] as const;
const ENDS: readonly number[] = [...KEPT_ENDS, ...MISSED_ENDS];
const ROUNDING = 1e-12;

/** How many series realised how much of the promise, with the promise as a line between the bars. */
export function rateHistogram({ resource, risk, rates }: ResourcePage): Markup {
  const counts = ENDS.map((end, i) => {
    const below = i === 0 ? -1 : (ENDS[i - 1] ?? 0) * risk + ROUNDING;
    return rates.filter((rate) => rate > below && rate <= end * risk + ROUNDING).length;
  });
  const kept = counts.slice(0, KEPT_ENDS.length).reduce((sum, one) => sum + one, 0);
  const label = `${kept} of ${rates.length} containers kept ${percent(risk)}: ${counts.map((number, i) => `${endText(i, risk)}: ${number}`).join(', ')}`;
  const slot = (PLOT.right - PLOT.left) / ENDS.length;
  const promise = PLOT.left + slot * KEPT_ENDS.length;
  const highest = ticksTo(Math.max(...counts), 4).at(-1) ?? 1;
  const y = linear({ from: 0, to: highest }, { from: PLOT.bottom, to: PLOT.top });
  return markup`<svg class="chart histogram" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<title>${label}</title>
<line class="base" x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}"/>
${counts.map((number, i) => {
  const left = PLOT.left + slot * i;
  const style = i < KEPT_ENDS.length ? 'kept' : 'missed';
  return markup`<rect class="bar ${style}" x="${left + 4}" width="${slot - 8}" y="${y(number)}" height="${PLOT.bottom - y(number)}"/><text class="bar-count" x="${left + slot / 2}" y="${y(number) - 7}" text-anchor="middle">${count(number)}</text><text class="tick" x="${left + slot / 2}" y="${PLOT.bottom + 20}" text-anchor="middle">${endText(i, risk)}</text>`;
})}
<line class="promise" x1="${promise}" x2="${promise}" y1="8" y2="${PLOT.bottom + 6}"/>
<text class="promise-name" x="${promise - 8}" y="18" text-anchor="end">kept ${percent(risk)}</text>
<text class="promise-name" x="${promise + 8}" y="18">missed</text>
<text class="axis-name" x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${wordsOf(resource).rate} in a container, up to</text>
</svg>`;
}

function endText(index: number, risk: number): string {
  const end = ENDS[index] ?? 0;
  return end === Infinity ? 'more' : percent(end * risk);
}
