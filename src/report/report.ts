import { stringify } from 'yaml';
import type { ContainerStatus, RecommendationStatus } from '../api/recommendation.ts';
import { API_VERSION } from '../api/group.ts';
import { parseCpu, parseMemory, readableCpu, readableMemory } from '../api/quantity.ts';

/** One workload in a report. */
export interface ReportRow {
  readonly namespace: string;
  readonly name: string;
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly status: RecommendationStatus;
}

export const FORMATS = ['table', 'json', 'yaml', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** The rows in the order of namespace and name, as text that ends with a line break. */
export function renderReport(rows: readonly ReportRow[], format: Format): string {
  const sorted = [...rows].sort(
    (a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name),
  );
  switch (format) {
    case 'table':
      return table(sorted);
    case 'json':
      return `${JSON.stringify(list(sorted), null, 2)}\n`;
    case 'yaml':
      return stringify(list(sorted), { lineWidth: 0, aliasDuplicateObjects: false });
    case 'csv':
      return csv(sorted);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** What `kubectl get recommendations -o json` would give, without what only a server knows. */
function list(rows: readonly ReportRow[]): unknown {
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: rows.map(({ namespace, name, targetRef, status }) => ({
      apiVersion: API_VERSION,
      kind: 'Recommendation',
      metadata: { namespace, name },
      spec: { targetRef },
      status,
    })),
  };
}

const COLUMNS = [
  ['CPU', 'cpu'],
  ['MEMORY', 'memory'],
  ['CPU RISK', 'cpuRisk'],
  ['MEM RISK', 'memoryRisk'],
  ['SAVES', 'saves'],
  ['STATUS', 'status'],
] as const;

function table(rows: readonly ReportRow[]): string {
  const head = ['NAMESPACE', 'NAME', ...COLUMNS.map(([title]) => title)];
  const body = rows.map(({ namespace, name, status }) => [
    namespace,
    name,
    ...COLUMNS.map(([, field]) => status.summary?.[field] ?? ''),
  ]);
  const lines = [head, ...body.map((cells) => cells.map(printable))];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Names of series come from files: a terminal must not obey what is in them. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\u{fffd}');
}

const RESOURCES = ['cpu', 'memory'] as const;

const CSV_HEAD =
  'namespace,kind,name,container,resource,current_request,target_request,current_limit,target_limit,promised,realised,observed_days,confidence,reason';

/** One line per container and resource; amounts in cores and bytes, empty where there is none. */
function csv(rows: readonly ReportRow[]): string {
  const lines = rows.flatMap((row) =>
    (row.status.containers ?? []).flatMap((container) =>
      RESOURCES.map((resource) => csvLine(row, container, resource)),
    ),
  );
  return `${CSV_HEAD}\n${lines.map((line) => `${line.map(csvCell).join(',')}\n`).join('')}`;
}

function csvLine(
  { namespace, targetRef }: ReportRow,
  { name, current, target, evidence, ...container }: ContainerStatus,
  resource: (typeof RESOURCES)[number],
): readonly string[] {
  const result = container[resource];
  const amounts = [current.requests, target?.requests, current.limits, target?.limits];
  return [
    namespace,
    targetRef.kind,
    targetRef.name,
    name,
    resource,
    ...amounts.map((each) => plainAmount(resource, each?.[resource])),
    ...[result?.promised, result?.realised, result?.observedDays, evidence?.confidence].map(
      (value) => String(value ?? ''),
    ),
    result?.reason ?? '',
  ];
}

function plainAmount(resource: (typeof RESOURCES)[number], text: string | undefined): string {
  if (text === undefined) return '';
  return String(resource === 'cpu' ? parseCpu(text) : parseMemory(text));
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The last line of a table: how many, and what is saved in sum over all pods; for people. */
export function reportFooter(rows: readonly ReportRow[]): string {
  const recommended = rows.filter(({ status }) => status.summary?.status === 'Recommended');
  const held = rows.filter(({ status }) => status.reason !== undefined);
  const cpu = sum(rows, ({ cpu }) => signed(cpu, parseCpu));
  const memory = sum(rows, ({ memory }) => signed(memory, parseMemory));
  const counts = `${recommended.length} would change, ${held.length} held`;
  return `${countOf(rows.length)}: ${counts}; saves ${readableCpu(cpu)} cpu and ${readableMemory(memory)} memory\n`;
}

/** `1 workload`, `2 workloads`. */
export function countOf(workloads: number): string {
  return workloads === 1 ? '1 workload' : `${workloads} workloads`;
}

function sum(
  rows: readonly ReportRow[],
  of: (savings: NonNullable<RecommendationStatus['savings']>) => number,
): number {
  return rows.reduce((total, { status }) => total + of(status.savings ?? {}), 0);
}

/** Savings are negative where more is needed, which a quantity of a request never is. */
function signed(text: string | undefined, parse: (quantity: string) => number): number {
  if (text === undefined) return 0;
  return text.startsWith('-') ? -parse(text.slice(1)) : parse(text);
}
