import type { Comparison, ComparisonLine, EqualPromise } from './comparison.ts';
import type { PooledScore } from './score.ts';
import type { Promised } from './sweep.ts';

type Cells = readonly string[];

/** The comparison as text for a terminal: as shipped, at equal promise, and the headline. */
export function renderComparison(comparison: Comparison): string {
  return [
    title(comparison),
    '',
    ...align([shippedHead(comparison), ...shippedRows(comparison)]),
    '',
    ...(comparison.lines.length === 0 ? [] : atEqualPromise(comparison)),
  ].join('\n');
}

function atEqualPromise(comparison: Comparison): readonly string[] {
  return [
    'At equal promise: what the peer costs when its setting is chosen with hindsight, and ours / peer (under 1: ours is cheaper)',
    '',
    ...align([equalHead(comparison), ...comparison.lines.map(equalRow)]),
    '',
    headline(comparison),
    '',
  ];
}

/**
 * The one sentence: ours over each peer of the same cadence, at the same time (memory: days) above the request.
 * A peer that never gets there is named as such.
 */
export function headline(comparison: Comparison): string {
  const { cadence, lines, resource } = comparison;
  const parts = lines
    .filter((line) => line.cadence === cadence)
    .map(({ peer, atOurs }) => {
      const rate = atOurs.find(({ promised }) => promised.kind !== 'keep');
      return `${peer} ${rate?.isQuotable === true ? rate.ratio.toFixed(2) : 'never gets there'}`;
    });
  const what = resource === 'cpu' ? 'time' : 'days';
  if (parts.length === 0) return 'No peer ran at the cadence of ours.';
  return `Ours / peer, both ${cadence}, at the same ${what} above the request: ${parts.join(', ')}.`;
}

function title({ resource, risk, own, cadence }: Comparison): string {
  const what =
    resource === 'cpu'
      ? `CPU above the request at most ${percent(risk)} of the time`
      : `memory above the request on at most ${percent(risk)} of the days`;
  return `Peers: ${what}, ${own.series} series, ours decides ${cadence}`;
}

function shippedHead({ resource }: Comparison): Cells {
  const rate = resource === 'cpu' ? 'TIME ABOVE' : 'DAYS ABOVE';
  return ['', 'CADENCE', 'KEPT', rate, 'WORST DAY', 'COST', 'CHANGES/WEEK', 'AS SHIPPED'];
}

function shippedRows({ resource, cadence, own, current, lines }: Comparison): readonly Cells[] {
  const row = (name: string, when: string, score: PooledScore): Cells => [
    name,
    when,
    percent(score.keep),
    percent(resource === 'cpu' ? score.ex : score.breachPerDay),
    percent(score.worstDay),
    score.cost.toFixed(2),
    score.changesPerWeek.toFixed(2),
  ];
  const today = current === undefined ? [] : [row('today', '', current)];
  return [
    row('ours', cadence, own),
    ...today.map((cells) => [...cells, `${current?.series ?? 0} series whose request is known`]),
    ...lines.map((line) => [...row(line.peer, line.cadence, line.shipped), line.says]),
  ];
}

function equalHead({ lines: [first] }: Comparison): Cells {
  return [
    '',
    'CADENCE',
    ...(first?.atOurs ?? []).flatMap(({ promised }) => [promiseText(promised), 'OURS/PEER']),
    ...(first?.atAsked ?? []).map(({ promised }) => promiseText(promised)),
  ];
}

function promiseText(promised: Promised): string {
  switch (promised.kind) {
    case 'keep':
      return `${percent(promised.target)} KEPT`;
    case 'ex':
      return `${percent(promised.target)} TIME ABOVE`;
    case 'breach':
      return `${percent(promised.target)} DAYS ABOVE`;
  }
}

function equalRow({ peer, cadence, atOurs, atAsked }: ComparisonLine): Cells {
  return [peer, cadence, ...atOurs.flatMap(withRatio), ...atAsked.map(costText)];
}

function withRatio(equal: EqualPromise): Cells {
  return [costText(equal), equal.isQuotable ? equal.ratio.toFixed(2) : '-'];
}

function costText({ cost, reached }: EqualPromise): string {
  return reached ? cost.toFixed(2) : 'never';
}

/** Two digits under 10 %, so that 0.93 % and 2 % stand apart. */
function percent(share: number): string {
  const value = share * 100;
  return `${value < 10 ? Number(value.toFixed(2)) : Math.round(value)} %`;
}

function align(rows: readonly Cells[]): readonly string[] {
  const widths = rows.reduce<readonly number[]>((known, row) => mergeWidths(known, row), []);
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

function mergeWidths(known: readonly number[], row: Cells): readonly number[] {
  const columns = Math.max(known.length, row.length);
  return Array.from({ length: columns }, (_, column) =>
    Math.max(known[column] ?? 0, row[column]?.length ?? 0),
  );
}
