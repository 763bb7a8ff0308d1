import { appendFileSync, readFileSync } from 'node:fs';

/** One step of a scenario, as it went. */
export interface Row {
  readonly scenario: string;
  /** What was seen, or why it failed. */
  readonly seen: string;
  readonly seconds: number;
  readonly isOk: boolean;
}

const rows: Row[] = [];

export function addRow(row: Row): void {
  rows.push(row);
  const file = process.env['ACTING_ROWS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The rows that runs of tests left in a file, one JSON object per line. */
export function rowsIn(file: string): readonly Row[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row);
}

const SEEN_WIDTH = 110;

/** The table for people: scenario, what was seen, seconds, ok or FAILED. */
export function tableText(rowsAsDone: readonly Row[]): string {
  const all = [...Map.groupBy(rowsAsDone, ({ scenario }) => scenario).values()].flat();
  const width = Math.max(8, ...all.map(({ scenario }) => scenario.length));
  const lines = all.map(({ scenario, seen, seconds, isOk }, i) => {
    const name = all[i - 1]?.scenario === scenario ? '' : scenario;
    const [first = '', ...rest] = wrapped(seen);
    const end = `${seconds.toFixed(0).padStart(4)}  ${isOk ? 'ok' : 'FAILED'}`;
    const head = `${name.padEnd(width)}  ${first.padEnd(SEEN_WIDTH)} ${end}`;
    return [head, ...rest.map((line) => `${''.padEnd(width)}  ${line}`)].join('\n');
  });
  const title = `${'scenario'.padEnd(width)}  ${'what was seen'.padEnd(SEEN_WIDTH)}    s`;
  return [title, ...lines].join('\n');
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length >= SEEN_WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** What was added so far, where it is not kept in a file for later. */
export function ownTable(): string {
  return process.env['ACTING_ROWS'] === undefined ? `\n${tableText(rows)}\n` : '';
}
