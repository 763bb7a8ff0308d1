import type { CoreFigures } from './core.ts';
import type { FleetFigures } from './fleet.ts';
import {
  judgeCore,
  judgeFleet,
  judgeGrowth,
  judgeServer,
  readable,
  type Judged,
  type Results,
  type ServerRun,
} from './goals.ts';
import type { PartResult } from './task.ts';

/** Text in rows under a head, for a terminal or as Markdown. */
export type TableStyle = 'plain' | 'markdown';

const MEGABYTE = 1e6;

const WHAT: Readonly<Record<PartResult['row'], string>> = {
  floor: 'plain download of the samples',
  'floor-hour': 'plain download of one hour of them',
  cold: 'first reading and recommendations',
  refresh: 'refresh of one more hour',
  krr: "KRR's queries",
};

type Kind = 'server' | 'core' | 'fleet';
export type Section = Kind | `${Kind}-goals`;

/** Two tables of each kind of what was measured: the figures, and what they are worth. Kinds that were not measured are left out. */
export function sectionsOf(results: Results, style: TableStyle): ReadonlyMap<Section, string> {
  const { servers, core, fleets } = results;
  const sections = new Map<Section, string>();
  if (servers.length > 0) {
    sections.set('server', table(SERVER_HEAD, servers.flatMap(serverRows), style));
    const judged = [...servers.flatMap(judgeServer), ...judgeGrowth(servers)];
    sections.set('server-goals', goals(judged, style));
  }
  if (core !== undefined) {
    sections.set('core', table(['one CPU', ''], coreRows(core), style));
    sections.set('core-goals', goals(judgeCore(core), style));
  }
  if (fleets.length > 0) {
    sections.set('fleet', table(FLEET_HEAD, fleets.map(fleetRow), style));
    sections.set('fleet-goals', goals(fleets.flatMap(judgeFleet), style));
  }
  return sections;
}

function goals(judged: readonly Judged[], style: TableStyle): string {
  const rows = judged.map(({ goal, measured, isMet }) => {
    return [goal, measured, isMet ? 'met' : 'MISSED'];
  });
  return table(['goal', 'measured', ''], rows, style);
}

const SERVER_HEAD = [
  'containers',
  '',
  'wall s',
  'server CPU s',
  'client CPU s',
  'server MB at most (before)',
  'client MB at most',
  'MB received (unpacked)',
  '',
];

function serverRows({ containers, parts }: ServerRun): readonly (readonly string[])[] {
  const rows = Object.keys(WHAT);
  const inOrder = parts.toSorted((a, b) => rows.indexOf(a.row) - rows.indexOf(b.row));
  return inOrder.map(({ row, figures, note, keptBytesPerContainer }) => {
    const megabytes = (bytes: number) => readable(bytes / MEGABYTE);
    const kept =
      keptBytesPerContainer === undefined
        ? []
        : [`keeps ${readable(keptBytesPerContainer / 1000)} kB a container`];
    return [
      containers.toLocaleString('en-US'),
      WHAT[row],
      readable(figures.wallSeconds),
      readable(figures.serverCpuSeconds),
      readable(figures.clientCpuSeconds),
      `${megabytes(figures.serverPeakBytes)} (${megabytes(figures.serverIdleBytes)})`,
      megabytes(figures.clientPeakBytes),
      `${megabytes(figures.wireBytes)} (${megabytes(figures.decodedBytes)})`,
      [...kept, note].filter((each) => each !== '').join('; '),
    ];
  });
}

function coreRows(core: CoreFigures): readonly (readonly string[])[] {
  const { containers, days, seconds, renewedSeconds } = core.calibration;
  return [
    [
      'XOR chunks of a counter decoded, million samples/s',
      readable(core.xorSamplesPerSecond / 1e6),
    ],
    ['samples folded, million/s', readable(core.samplesFoldedPerSecond / 1e6)],
    ['recommendations/s, 14 days each', readable(core.recommendationsPerSecond)],
    [
      `calibration of ${containers.toLocaleString('en-US')} containers over ${days} days, s`,
      readable(seconds),
    ],
    ['the same once more on that day, s', readable(renewedSeconds)],
  ];
}

const FLEET_HEAD = [
  'simulated containers',
  'shards',
  'MB at rest (in use)',
  'MB at most',
  'first CPU s',
  'refresh CPU s',
  'after midnight',
  'writes: first',
  'refresh',
  'no news',
];

function fleetRow(fleet: FleetFigures): readonly string[] {
  return [
    fleet.containers.toLocaleString('en-US'),
    String(fleet.shards),
    `${readable(fleet.rssBytes / MEGABYTE)} (${readable(fleet.heldBytes / MEGABYTE)})`,
    readable(fleet.peakRssBytes / MEGABYTE),
    readable(fleet.firstCpuSeconds),
    readable(fleet.refreshCpuSeconds),
    readable(fleet.midnightCpuSeconds),
    fleet.firstWrites.toLocaleString('en-US'),
    fleet.refreshWrites.toLocaleString('en-US'),
    fleet.idleWrites.toLocaleString('en-US'),
  ];
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: TableStyle,
): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return style === 'markdown' ? `| ${padded.join(' | ')} |` : padded.join('  ').trimEnd();
  };
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
