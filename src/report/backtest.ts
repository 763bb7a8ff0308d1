import { formatPercent } from '../api/percent.ts';
import type { Comparison } from '../backtest/comparison.ts';
import type { Backtest, Outcome } from '../backtest/run.ts';
import type { PooledScore } from '../backtest/score.ts';

/** The pooled figures of a backtest, without the replays, as JSON; ends with a line end. */
export function backtestJson(
  { outcomes, tooShort, verdict }: Backtest,
  comparisons: readonly Comparison[],
): string {
  return `${JSON.stringify({ verdict, tooShort, outcomes, comparisons }, undefined, 2)}\n`;
}

/** The same for people. */
export function backtestTable({ outcomes, tooShort, verdict }: Backtest): string {
  const blocks = outcomes.map(block);
  const short = tooShort === 0 ? '' : `${tooShort} series are shorter than 1.5 days.\n`;
  return `${blocks.join('\n')}\n${short}verdict: ${verdict}\n`;
}

const HEAD = [
  '',
  'series',
  'kept by',
  'realised',
  'weeks kept',
  'worst day',
  'work over',
  'cost',
  'changes/week',
];

function block({ resource, protocol, risk, all, datasets, verdict, leftOut }: Outcome): string {
  const what =
    resource === 'cpu' ? 'of the time over the request' : 'of the days with a peak over the limit';
  const span = protocol === 'daily' ? '' : ', short histories';
  const left = Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`);
  const rows = [
    HEAD,
    row('all', all, resource),
    ...datasets.map(({ dataset, score }) => row(dataset, score, resource)),
  ];
  return [
    `${resource}${span}: promised at most ${formatPercent(risk)} ${what}${verdict === undefined ? '' : `: ${verdict}`}`,
    ...aligned(rows),
    ...(left.length === 0 ? [] : [`left out: ${left.join(', ')}`]),
    '',
  ].join('\n');
}

function row(name: string, score: PooledScore, resource: Outcome['resource']): readonly string[] {
  return [
    name,
    String(score.series),
    formatPercent(score.keep),
    formatPercent(resource === 'cpu' ? score.ex : score.breachPerDay),
    resource === 'cpu' ? formatPercent(score.weeksKept) : '-',
    formatPercent(score.worstDay),
    formatPercent(score.vol),
    score.cost.toFixed(2),
    score.changesPerWeek.toFixed(1),
  ];
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((cells) => cells[i]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
