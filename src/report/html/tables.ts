import type { EqualPromise, ComparisonLine } from '../../backtest/comparison.ts';
import type { CurvePoint } from '../../backtest/costcurve.ts';
import type { Group } from '../../backtest/findings.ts';
import type { PeersPage, ResourcePage } from '../../backtest/page.ts';
import type { PooledScore } from '../../backtest/score.ts';
import type { Resource } from '../../recommend/usage.ts';
import { markup, type Markup } from './markup.ts';
import { count, percent, times, total, wordsOf } from './words.ts';

type Cell = Markup | string;

interface Row {
  readonly head: string;
  readonly cells: readonly Cell[];
  readonly style?: string;
}

interface Table {
  /** All columns but the first have the same width. */
  readonly isEven?: boolean;
  readonly caption: string;
  readonly head: readonly string[];
  readonly groups: readonly { readonly name: string; readonly rows: readonly Row[] }[];
}

/** The one column of words. */
const RULE = 'rule as shipped';

/** A table that scrolls by itself where it is wider than the page. */
function table({ caption, head, groups, isEven = false }: Table): Markup {
  const columns = head.length;
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="${isEven ? 'even' : ''}">
<caption><span>${caption}</span></caption>
<thead><tr>${head.map((text) => markup`<th scope="col" class="${text === RULE ? 'rule' : ''}">${text}</th>`)}</tr></thead>
${groups.map(
  ({
    name,
    rows,
  }) => markup`<tbody>${name === '' ? '' : markup`<tr class="group"><th scope="rowgroup" colspan="${columns}">${name}</th></tr>`}
${rows.map(({ head: title, cells, style = '' }) => markup`<tr class="${style}"><th scope="row">${title}</th>${cells.map((cell) => (typeof cell === 'string' ? markup`<td>${cell}</td>` : cell))}</tr>\n`)}</tbody>`,
)}
</table></div>`;
}

/** Ours and the peers as shipped: those of our cadence first, then daily; ratios at each promise that is compared. */
export function peersTable({ resource }: ResourcePage, { comparison }: PeersPage): Markup {
  const { own, current, lines, cadence } = comparison;
  const { rate } = wordsOf(resource);
  const compared = lines[0]?.atOurs.map(({ promised }) => promised.kind) ?? [];
  const same = (kind: (typeof compared)[number]) => (kind === 'keep' ? 'share kept' : rate);
  const unlike = (head: string, score: PooledScore, rule: string, style = ''): Row => ({
    head,
    style,
    cells: [...peerCells(resource, score), ...compared.map(() => ''), says(rule)],
  });
  const today = current && [
    unlike('today', current, `requests of the ${count(current.series)} containers that have one`),
  ];
  const peers = (isSame: boolean) =>
    lines
      .filter((line) => (line.cadence === cadence) === isSame)
      .map((line) => peerRow(resource, line));
  return table({
    caption:
      lines.length === 0
        ? 'Ours, and the requests that the containers have today.'
        : `Peers as shipped. Ours ÷ peer compares cost at the same ${compared.map(same).join(' or ')}, the peer’s setting chosen in hindsight: below 1, ours is cheaper; – where a peer never gets there, or only at a cost too steep for a ratio.`,
    head: [
      '',
      'kept by',
      rate,
      'worst day',
      'cost',
      'changes/week',
      ...compared.map((kind) => `${unbroken('ours ÷ peer,')} ${unbroken(same(kind))}`),
      RULE,
    ],
    groups: [
      {
        name: `Same cadence as ours (${cadence})`,
        rows: [
          unlike('ours', own, 'set by the risk alone', 'strong'),
          ...(today ?? []),
          ...peers(true),
        ],
      },
      { name: 'As commonly run (daily)', rows: peers(false) },
    ].filter(({ rows }) => rows.length > 0),
  });
}

function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00A0');
}

function peerRow(resource: Resource, { peer, shipped, says: rule, atOurs }: ComparisonLine): Row {
  return { head: peer, cells: [...peerCells(resource, shipped), ...atOurs.map(ratio), says(rule)] };
}

function ratio({ isQuotable, ratio: ours }: EqualPromise): string {
  return isQuotable ? times(ours) : '–';
}

function says(rule: string): Markup {
  return markup`<td class="rule">${rule}</td>`;
}

function peerCells(resource: Resource, score: PooledScore): readonly Cell[] {
  return [
    percent(score.keep),
    percent(rateFor(resource, score)),
    percent(score.worstDay),
    times(score.cost),
    score.changesPerWeek.toFixed(1),
  ];
}

export function rateFor(resource: Resource, score: PooledScore): number {
  return resource === 'cpu' ? score.ex : score.breachPerDay;
}

/** By class of behaviour, by dataset, and all. */
export function groupsTable({ resource, risk, behaviours, datasets, all }: ResourcePage): Markup {
  return table({
    caption: `${wordsOf(resource).name}, promised ${percent(risk)}: what was realised in each group of containers`,
    head: groupHead(resource),
    isEven: true,
    groups: [
      { name: 'By behaviour', rows: behaviours.map((group) => groupRow(resource, group)) },
      { name: 'By dataset', rows: datasets.map((group) => groupRow(resource, group)) },
      { name: '', rows: [{ ...groupRow(resource, { name: 'all', score: all }), style: 'strong' }] },
    ],
  });
}

/** Pooled figures of groups without classes. */
export function shortTable(
  resource: Resource,
  { caption, groups }: { readonly caption: string; readonly groups: readonly Group[] },
): Markup {
  return table({
    caption,
    head: groupHead(resource),
    isEven: true,
    groups: [{ name: '', rows: groups.map((group) => groupRow(resource, group)) }],
  });
}

function groupHead(resource: Resource): readonly string[] {
  const { rate } = wordsOf(resource);
  return ['', 'containers', 'kept by', rate, 'worst day', 'use above', 'cost', 'changes/week'];
}

function groupRow(resource: Resource, { name, score }: Group): Row {
  return {
    head: name,
    cells: [
      count(score.series),
      percent(score.keep),
      percent(rateFor(resource, score)),
      percent(score.worstDay),
      percent(score.vol),
      times(score.cost),
      score.changesPerWeek.toFixed(1),
    ],
  };
}

/** The points of the curve as numbers. */
export function curveTable({ resource, risk, curve }: ResourcePage): Markup {
  const row = (point: CurvePoint): Row => ({
    head: percent(point.risk),
    style: point.risk === risk ? 'strong' : '',
    cells: [
      percent(point.realised),
      percent(point.keep),
      times(point.cost),
      total(resource, point.requested),
    ],
  });
  return table({
    caption: 'What other risks would have cost; the risk of this run in bold',
    head: ['promised', 'realised', 'kept by', 'cost', 'requests in all'],
    groups: [{ name: '', rows: curve.map(row) }],
  });
}
