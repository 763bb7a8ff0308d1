import { readFileSync } from 'node:fs';

/** A page of the docs, as far as tests look at it. */
export interface Page {
  readonly path: string;
  readonly text: string;
  /** All that stands between single backticks. */
  readonly named: ReadonlySet<string>;
  /** Tables, each with its header row first; cells as they are written. */
  readonly tables: readonly (readonly (readonly string[])[])[];
}

/** Fenced blocks are taken out: what they show is an example, and names nothing. */
export function page(path: string): Page {
  const text = readFileSync(path, 'utf8');
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  return { path, text, named: spans(prose), tables: tablesOf(prose) };
}

/** `a` and `b` of a text that has both between backticks. */
export function spans(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word));
}

function tablesOf(prose: string): Page['tables'] {
  const runs = prose.split(/\n(?!\|)/).map((run) => run.split('\n').filter(isRow));
  return runs
    .filter((rows) => rows.length > 1)
    .map(([header = '', , ...rows]) => [header, ...rows].map(cellsOf));
}

function isRow(line: string): boolean {
  return line.startsWith('|');
}

function cellsOf(row: string): readonly string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The fenced blocks of a language. */
export function blocks({ text }: Page, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, of, body = '']) =>
    of === language ? [body] : [],
  );
}
