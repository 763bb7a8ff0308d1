import { formatPercent } from '../api/percent.ts';
import { readableCpu, readableMemory } from '../api/quantity.ts';
import type { Comparison } from '../backtest/comparison.ts';
import type { Finding, Group } from '../backtest/findings.ts';
import { LEAST_MEAN } from '../backtest/protocol.ts';
import type { Backtest, LeftOut, LeftOutCounts, Outcome } from '../backtest/run.ts';
import type { PooledScore } from '../backtest/score.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { missedBy } from './misses.ts';

/** A backtest with what its outcomes missed and look like by class. */
export type Reported = Omit<Backtest, 'replays' | 'outcomes'> & {
  readonly findings: readonly Finding[];
};

/** The pooled figures of a backtest as JSON, ending with a line end. `by` of a miss is a share, as all others. */
export function backtestJson(
  { findings, tooShort, withoutSample, leftOut, verdict }: Reported,
  comparisons: readonly Comparison[],
): string {
  const outcomes = findings.map((finding) => ({
    ...finding,
    misses: finding.misses.map((miss) => ({ ...miss, by: Math.abs(miss.found - miss.promised) })),
  }));
  const shown = { verdict, tooShort, withoutSample, leftOut, outcomes, comparisons };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

/** The same for people. */
export function backtestTable(reported: Reported): string {
  const { findings, verdict } = reported;
  const lines = [...notReplayed(reported), `verdict: ${verdict}${missedBy(findings)}`];
  return [...findings.map(block), lines.map((line) => `${line}\n`).join('')].join('\n');
}

/** Why series have no part in the figures, a sentence each. */
function notReplayed({ findings, tooShort, withoutSample, leftOut }: Reported): readonly string[] {
  const sentences = [
    ...(withoutSample === 0 ? [] : [`${seriesOf(withoutSample)} left out: without a sample`]),
    ...(tooShort === 0 ? [] : [`${seriesOf(tooShort)} left out: shorter than 1.5 days`]),
    ...RESOURCES.flatMap((resource) => leftOutOf(resource, leftOut[resource])),
  ];
  return findings.length === 0 && sentences.length === 0 ? ['there is no series'] : sentences;
}

/** The word is the same for one and for many. */
function seriesOf(count: number): string {
  return `${count} series`;
}

function leftOutOf(resource: Resource, counts: LeftOutCounts): readonly string[] {
  const reasons = REASONS[resource];
  return (['Idle', 'NothingToScore'] as const).flatMap((reason) => {
    const count = counts[reason];
    return count === undefined ? [] : [`${seriesOf(count)} left out: ${reasons[reason]}`];
  });
}

const REASONS: Readonly<Record<Resource, Readonly<Record<LeftOut, string>>>> = {
  cpu: {
    Idle: `idle (mean CPU under ${readableCpu(LEAST_MEAN.cpu)})`,
    NothingToScore: 'no CPU to score after their first day of it',
  },
  memory: {
    Idle: `idle (mean memory under ${readableMemory(LEAST_MEAN.memory)})`,
    NothingToScore: 'no memory to score after their first day of it',
  },
};

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

function block(finding: Finding): string {
  const { resource, protocol, risk, all, datasets, verdict, behaviours } = finding;
  const what =
    resource === 'cpu' ? 'of the time over the request' : 'of the days with a peak over the limit';
  const span = protocol === 'daily' ? '' : ', short histories';
  const judged = verdict === undefined ? '' : `: ${verdict}${missedBy([finding])}`;
  const rows = [
    HEAD,
    row('all', all, resource),
    ...datasets.map(({ dataset, score }) => row(dataset, score, resource)),
  ];
  return [
    `${resource}${span}: promised at most ${formatPercent(risk)} ${what}${judged}`,
    ...aligned(rows),
    ...(behaviours.length === 0 ? [] : ['', ...aligned(classRows(behaviours))]),
    '',
  ].join('\n');
}

function classRows(behaviours: readonly Group[]): readonly (readonly string[])[] {
  return [
    ['class', 'series', 'kept by', 'cost'],
    ...behaviours.map(({ name, score }) => [
      name,
      String(score.series),
      formatPercent(score.keep),
      score.cost.toFixed(2),
    ]),
  ];
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
