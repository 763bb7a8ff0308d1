import { basename } from 'node:path';

const COLUMNS = ['series', 'timestamp', 'cpu_cores', 'memory_bytes'] as const;
const HEADER = COLUMNS.join(',');
const LONGEST_SHOWN = 40;
/** 2000-01-01: an earlier time counts from something else than the epoch. */
const EARLIEST_SECONDS = 946_684_800;
/** 2100-01-01: a later time is in milliseconds. */
const LATEST_SECONDS = 4_102_444_800;

/** What a trace file says that its format does not allow, with the place. */
export class TraceError extends Error {
  override readonly name = 'TraceError';

  constructor(file: string, line: number, what: string) {
    super(`${basename(file)} line ${line}, ${what}`);
  }
}

export interface TraceRow {
  readonly series: string;
  readonly timeSeconds: number;
  readonly cpuCores: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** A line of a file; the header is line 1. */
export interface Position {
  readonly file: string;
  readonly number: number;
}

/** Throws unless the line is the header of the format; a byte order mark and blanks around names do not matter. */
export function checkHeader(line: string, { file, number }: Position): void {
  const columns = line.replace(/^\uFEFF/, '').split(',');
  const names = columns.map((column) => unquoted(column.trim()));
  if (names.join(',') === HEADER) return;
  const found = line === '' ? 'the file is empty' : `the columns are ${shown(line.trim())}`;
  throw new TraceError(file, number, `${found}; expected ${HEADER}`);
}

/** Undefined for an empty line. Throws for a line that does not have the four columns, or text where a number belongs. */
export function parseRow(line: string, position: Position): TraceRow | undefined {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text === '') return undefined;
  const fields = text.includes('"') ? splitQuoted(text, position) : text.split(',');
  const [series, timestamp, cpu, memory] = fields;
  if (fields.length !== COLUMNS.length || series === undefined) {
    const what = `it has ${fields.length} columns; expected ${HEADER}`;
    throw new TraceError(position.file, position.number, what);
  }
  if (series === '') throw badField(position, 'series', 'it is empty');
  return {
    series,
    timeSeconds: parseTime(timestamp ?? '', position),
    cpuCores: parseAmount(cpu ?? '', 'cpu_cores', position),
    memoryBytes: parseAmount(memory ?? '', 'memory_bytes', position),
  };
}

function parseTime(text: string, position: Position): number {
  const timeSeconds = parseNumber(text, 'timestamp', position);
  if (!(timeSeconds >= 0 && timeSeconds <= LATEST_SECONDS)) {
    throw badField(position, 'timestamp', `${shown(text)} is not a time in unix seconds`);
  }
  if (timeSeconds < EARLIEST_SECONDS) {
    const what = `${shown(text)} is not a time in unix seconds: it is before 2000-01-01`;
    throw badField(position, 'timestamp', what);
  }
  return timeSeconds;
}

/** Missing samples are empty, negative or not finite. */
function parseAmount(
  text: string,
  column: (typeof COLUMNS)[number],
  position: Position,
): number | undefined {
  if (text === '') return undefined;
  const amount = parseNumber(text, column, position);
  return Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}

const NOT_FINITE = /^\s*([+-]?inf(inity)?|nan)\s*$/i;
const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** NaN for NaN and infinities, as tools write them. `Number` alone would take `0x1f` and an empty text as well. */
function parseNumber(text: string, column: (typeof COLUMNS)[number], position: Position): number {
  if (DECIMAL.test(text)) return Number(text);
  if (NOT_FINITE.test(text)) return NaN;
  throw badField(position, column, `${shown(text)} is not a number`);
}

/** Quoted fields are rare and none of the format's own values needs one: series names with a comma do. */
function splitQuoted(line: string, position: Position): readonly string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  while (field.lastIndex <= line.length) {
    const match = field.exec(line);
    if (match === null) {
      const what = 'a quote is not closed, or stands within a field';
      throw new TraceError(position.file, position.number, what);
    }
    const [, quoted, plain, end] = match;
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '') break;
  }
  return fields;
}

function unquoted(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}

function badField(
  { file, number }: Position,
  column: (typeof COLUMNS)[number],
  what: string,
): TraceError {
  return new TraceError(file, number, `column ${column}: ${what}`);
}

function shown(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return JSON.stringify(cut);
}
