import type { BacktestPage, ResourcePage, WorstSeries } from '../../backtest/page.ts';
import type { Resource } from '../../recommend/usage.ts';
import { costChart } from './costchart.ts';
import { rateHistogram } from './histogram.ts';
import { markup, type Markup } from './markup.ts';
import { STYLE } from './style.ts';
import { curveTable, groupsTable, peersTable, rateFor, shortTable } from './tables.ts';
import { timelineChart } from './timelinechart.ts';
import { verdictMark, verdictSentence } from './verdict.ts';
import { amount, count, percent, times, wordsOf } from './words.ts';

/**
 * One HTML page without script or external asset: it can be sent, opened offline and printed. The same data gives the
 * same bytes; all names are escaped.
 */
export function renderBacktestPage(page: BacktestPage): string {
  const { source, cadence, resources } = page;
  const { source: html } = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rightsize backtest: ${page.verdict}</title>
<style>${{ source: STYLE }}</style>
</head>
<body>
<main>
<header>
<p class="brand">Rightsize backtest</p>
${verdictSentence(page)}
<p class="muted">${source}; CPU cadence ${cadence}. Each recommendation saw only what lay before it.</p>
<section class="reading">
<h2>How to read this</h2>
<p>${readingText(resources)}</p>
</section>
</header>
${resources.map(resourceSection)}
${shortSection(page)}
</main>
<footer>
<p class="note">A replay assumes that use does not depend on the request. Usage is judged as 5-minute means (CPU) and peaks (memory), so shorter bursts do not show. A request is a weight on a busy node, not a latency.</p>
</footer>
</body>
</html>
`;
  return html;
}

function readingText(resources: readonly ResourcePage[]): string {
  const confidence = resources.find(({ resource }) => resource === 'cpu')?.confidence;
  const share =
    confidence === undefined
      ? ''
      : `, and that ${percent(confidence)} of the containers stay within the CPU risk each for itself`;
  return `The promise is that use stays above its size for no more than the stated share of time (CPU) or of days (memory)${share}; realised is what happened when the past was replayed. Cost is the mean request over the mean use, so 2.00 means that half of what is asked for is used, and lower is cheaper. Compare costs only at the same realised risk: a cheaper size that is exceeded more often keeps another promise.`;
}

function resourceSection(page: ResourcePage): Markup {
  const { resource, risk } = page;
  const { name, promise } = wordsOf(resource);
  return markup`<section aria-labelledby="${resource}">
<h2 id="${resource}">${name}: at most ${percent(risk)} ${promise} – ${verdictMark(page)}</h2>
${figures(page)}
${replayedNote(page)}
${peersPart(page)}
<h3>Cost versus risk</h3>
<p>The further down, the cheaper. Points are ours at the risk that was promised, drawn at what was realised; lines are peers whose one setting was chosen with hindsight, and squares the peers as shipped.</p>
${costPart(page)}
<h3>Realised risk over containers</h3>
<p>How many containers kept the promise, and how far the others went.</p>
<div class="pair">
<figure>${rateHistogram(page)}</figure>
<div>${curveTable(page)}</div>
</div>
<h3>By behaviour and dataset</h3>
${groupsTable(page)}
<h3>Worst ${page.worst.length === 1 ? 'container' : `${page.worst.length} containers`}</h3>
${legend(page.worst)}
<div class="pair">${page.worst.map((one, i) => worstFigure(one, resource, i))}</div>
</section>`;
}

function figures({ resource, risk, confidence, all }: ResourcePage): Markup {
  const { rate } = wordsOf(resource);
  const isCpu = resource === 'cpu';
  const list: readonly (readonly [string, string, string])[] = [
    [`Realised ${rate}`, percent(rateFor(resource, all)), `${percent(risk)} promised`],
    [
      'Kept by',
      percent(all.keep),
      isCpu ? `of containers; ${percent(confidence)} promised` : 'of containers, not promised',
    ],
    ['Cost', `${times(all.cost)} ×`, 'request over use'],
    isCpu
      ? ['Weeks kept', percent(all.weeksKept), 'of all container weeks']
      : ['Days above', count(all.daysHit), `of ${count(all.days)} container days`],
    ['Worst day', percent(all.worstDay), 'above; mean of containers'],
    ['Changes', all.changesPerWeek.toFixed(1), 'a week, of more than 10%'],
  ];
  return markup`<dl class="figures">${list.map(([term, value, beside]) => markup`<div><dt>${term}</dt><dd>${value}</dd><dd class="beside">${beside}</dd></div>`)}</dl>`;
}

function replayedNote({ all, leftOut }: ResourcePage): Markup {
  const { Idle: idle, NothingToScore: nothing } = leftOut;
  const parts = [
    `${count(all.series)} containers and ${count(all.days)} container days were judged`,
    ...(idle === undefined
      ? []
      : [`${count(idle)} were left out that use too little to be sized by use`]),
    ...(nothing === undefined ? [] : [`${count(nothing)} had nothing to judge`]),
  ];
  return markup`<p class="note">${parts.join('; ')}.</p>`;
}

function peersPart(page: ResourcePage): Markup {
  if (page.peers === undefined) return markup``;
  const hasOthers = page.peers.comparison.lines.length > 0;
  return markup`<h3>Beside ${hasOthers ? 'other recommenders' : 'the requests of today'}</h3>
${peersTable(page, page.peers)}`;
}

function costPart(page: ResourcePage): Markup {
  const { cadence: own, lines = [] } = page.peers?.comparison ?? {};
  if (lines.length === 0)
    return markup`<div class="pair"><figure>${costChart(page, undefined)}</figure></div>`;
  const cadences = [...new Set(lines.map(({ cadence }) => cadence))];
  return markup`<div class="pair">${cadences.map(
    (cadence) =>
      markup`<figure><figcaption><strong>Peers ${cadence}</strong> <span class="note">${cadence === own ? 'the same cadence as ours' : 'as commonly run'}</span></figcaption>${costChart(page, cadence)}</figure>`,
  )}</div>`;
}

const SWATCHES = {
  range: markup`<rect class="use-range" x="0" y="1" width="30" height="12"/><path class="use" d="M0 9L10 5L20 8L30 4"/>`,
  request: markup`<path class="request" d="M0 10H12V4H30"/>`,
  current: markup`<line class="current" x1="0" x2="30" y1="7" y2="7"/>`,
  rug: markup`<path class="rug" d="M4 4h4v6h-4ZM12 4h10v6h-10Z"/>`,
} as const;

function legend(worst: readonly WorstSeries[]): Markup {
  const hasCurrent = worst.some(({ current }) => current !== undefined);
  const items: readonly (readonly [Markup, string])[] = [
    [SWATCHES.range, 'use: mean, lowest and highest'],
    [SWATCHES.request, 'recommended request'],
    ...(hasCurrent ? [[SWATCHES.current, 'request today'] as const] : []),
    [SWATCHES.rug, 'marks below the axis: use above the request'],
  ];
  return markup`<ul class="legend">${items.map(([swatch, text]) => markup`<li><svg viewBox="0 0 30 14" aria-hidden="true">${swatch}</svg>${text}</li>`)}</ul>`;
}

function worstFigure(one: WorstSeries, resource: Resource, index: number): Markup {
  const { dataset, series, realised, behaviour, score } = one;
  const facts = [
    `${percent(realised)} ${wordsOf(resource).rate}`,
    `worst day ${percent(score.worstDay)}`,
    `cost ${times(score.cost)}`,
    `mean request ${amount(resource, score.meanRequest)}`,
  ];
  return markup`<figure class="worst"><figcaption><h4>${index + 1}. ${series} <span class="note">${[dataset, ...(behaviour === undefined ? [] : [behaviour])].join(', ')}</span></h4><span class="note">${facts.join(' · ')}</span></figcaption>${timelineChart(one, resource)}</figure>`;
}

function shortSection({ short, tooShort }: BacktestPage): Markup {
  if (short.length === 0 && tooShort === 0) return markup``;
  const note =
    tooShort === 0
      ? markup``
      : markup`<p class="note">${count(tooShort)} series are shorter than 1.5 days and were not replayed.</p>`;
  return markup`<section aria-labelledby="short">
<h2 id="short">Short histories</h2>
<p>Series of 1.5 to 7.75 days are replayed from their second day on. They are reported, and do not count for the verdict; a day is 6 hours here.</p>
${short.map(({ resource, risk, all, datasets }) =>
  shortTable(resource, {
    caption: `${wordsOf(resource).name}, promised ${percent(risk)}`,
    groups: [
      ...datasets.map(({ dataset, score }) => ({ name: dataset, score })),
      { name: 'all', score: all },
    ],
  }),
)}
${note}
</section>`;
}
