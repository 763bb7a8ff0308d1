import { BIN_SECONDS } from './grid.ts';
import type { Replay } from './run.ts';
import type { Row } from './walk.ts';

const RECOMMENDATION_COLUMNS = 'series,resource,from,to,request,limit';

/**
 * The lines, without ends, of what would have been recommended: times in unix seconds, amounts in cores or bytes. The
 * rows of a series tile its span from the protocol's first recommendation on; before its first sample a row is empty.
 */
export function* recommendationLines(replays: readonly Replay[]): Generator<string> {
  yield RECOMMENDATION_COLUMNS;
  for (const { series, resource, protocol, rows } of replays) {
    const name = quoted(`${series.dataset}/${series.series}`);
    const end = series[resource].length;
    for (const { fromBin, toBin, amount } of tiled(rows, protocol.firstBin, end)) {
      const from = series.startSeconds + fromBin * BIN_SECONDS;
      const to = series.startSeconds + toBin * BIN_SECONDS;
      const request = amount === undefined ? '' : String(amount);
      const limit = resource === 'memory' ? request : '';
      yield `${name},${resource},${from},${to},${request},${limit}`;
    }
  }
}

type Tile = Omit<Row, 'amount'> & { readonly amount: number | undefined };

function tiled(rows: readonly Row[], firstBin: number, endBin: number): readonly Tile[] {
  const begin = rows[0]?.fromBin ?? endBin;
  const empty = { fromBin: firstBin, toBin: begin, amount: undefined };
  return begin > firstBin ? [empty, ...rows] : rows;
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
