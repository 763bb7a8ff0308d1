import type { BacktestPage, Miss, ResourcePage } from '../../backtest/page.ts';
import { markup, type Markup } from './markup.ts';
import { rateFor } from './tables.ts';
import { percent, points } from './words.ts';

const SIGNS = {
  kept: { sign: '✓', word: 'Kept', style: 'kept-word' },
  missed: { sign: '✗', word: 'Missed', style: 'missed-word' },
  'too little data': { sign: '?', word: 'Too little data', style: 'doubt-word' },
} as const;

/** The verdict in one sentence, with a sign and a word beside the colour. */
export function verdictSentence({ verdict, resources }: BacktestPage): Markup {
  const { sign, word, style } = SIGNS[verdict];
  const by =
    verdict === 'missed'
      ? ` by ${listed(resources.flatMap((one) => one.misses.map((miss) => missText(one, miss))))}`
      : '';
  const found = resources.map(realisedText).join('; ');
  const rest = found === '' ? 'no container has a week of use to judge by' : found;
  return markup`<h1><span class="${style}"><span aria-hidden="true">${sign} </span>${word}${by}</span>: ${rest}.</h1>`;
}

function realisedText(page: ResourcePage): string {
  const { resource, risk, all } = page;
  const found = percent(rateFor(resource, all));
  return resource === 'cpu'
    ? `CPU was above the request ${found} of the time, ${percent(risk)} promised`
    : `memory peaked above the limit on ${found} of the days, ${percent(risk)} promised`;
}

function missText({ resource }: ResourcePage, { what, promised, found }: Miss): string {
  const distance = points(found - promised);
  if (what === 'kept')
    return `${distance} of the containers that keep ${resource === 'cpu' ? 'CPU' : 'memory'}`;
  return resource === 'cpu' ? `${distance} of CPU time` : `${distance} of memory days`;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2
    ? parts.join('')
    : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

/** The verdict of one resource as a word with its sign. */
export function verdictMark({ verdict }: ResourcePage): Markup {
  const { sign, word, style } = SIGNS[verdict];
  return markup`<span class="word ${style}"><span aria-hidden="true">${sign} </span>${word.toLowerCase()}</span>`;
}
