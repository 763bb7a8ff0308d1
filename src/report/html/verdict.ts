import type { BacktestPage, ResourcePage } from '../../backtest/page.ts';
import { missedBy } from '../misses.ts';
import { markup, type Markup } from './markup.ts';
import { rateFor } from './tables.ts';
import { percent } from './words.ts';

const SIGNS = {
  kept: { sign: '✓', word: 'Kept', style: 'kept-word' },
  missed: { sign: '✗', word: 'Missed', style: 'missed-word' },
  'too little data': { sign: '?', word: 'Too little data', style: 'doubt-word' },
} as const;

/** The verdict in one sentence, with a sign and a word beside the colour. */
export function verdictSentence({ verdict, resources }: BacktestPage): Markup {
  const { sign, word, style } = SIGNS[verdict];
  const by = verdict === 'missed' ? missedBy(resources) : '';
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

/** The verdict of one resource as a word with its sign. */
export function verdictMark({ verdict }: ResourcePage): Markup {
  const { sign, word, style } = SIGNS[verdict];
  return markup`<span class="word ${style}"><span aria-hidden="true">${sign} </span>${word.toLowerCase()}</span>`;
}
