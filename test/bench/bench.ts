/**
 * The benchmark: `node test/bench/bench.ts [--containers 1000,5000] [--krr-sample 100] [--only server|core|fleet]
 * [--reader auto|query-range] [--prometheus PROGRAM] [--page docs/performance.md] [--json FILE]`. Everything is measured in one run, so that the ratios hold on any machine.
 */
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Progress } from '../../src/report/progress.ts';
import { Compiled } from '../support/compiled.ts';
import { asInImage, ended } from './child.ts';
import type { CoreFigures } from './core.ts';
import type { FleetFigures } from './fleet.ts';
import { build, prometheusVersion, startFleetServer, type FleetServer } from './fleetserver.ts';
import type { Results, ServerRun } from './goals.ts';
import { fillPage } from './page.ts';
import { sectionsOf } from './table.ts';
import {
  TAKEN_IN,
  type PartMessage,
  type PartName,
  type PartResult,
  type TakeIn,
  type Task,
} from './task.ts';

interface Options {
  readonly containers: readonly number[];
  readonly krrSample: number;
  readonly reader: Task['reader'];
  /** The server's program; a Prometheus that is built from its module unless given. */
  readonly prometheus: string | undefined;
  readonly only: string | undefined;
  /** A page whose tables are to be replaced. */
  readonly page: string | undefined;
  readonly json: string | undefined;
}

/** Ours is the last, as the server takes in some hours for it. */
const PARTS: readonly PartName[] = ['floor', 'krr', 'ours'];
const SIMULATED = [
  { containers: 10_000, shards: 1 },
  { containers: 100_000, shards: 4 },
] as const;

const progress = new Progress(process.stderr);
const interrupt = new AbortController();
// Some who end a program signal it twice.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => interrupt.abort());

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      containers: { type: 'string', default: '1000' },
      'krr-sample': { type: 'string', default: '100' },
      reader: { type: 'string', default: 'auto' },
      prometheus: { type: 'string' },
      only: { type: 'string' },
      page: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const containers = values.containers.split(',').map(Number);
  const krrSample = Number(values['krr-sample']);
  if (![...containers, krrSample].every((each) => Number.isInteger(each) && each > 0)) {
    throw new Error('--containers takes numbers such as 100,1000 and --krr-sample takes a number');
  }
  if (!['server', 'core', 'fleet', undefined].includes(values.only)) {
    throw new Error('--only takes server, core or fleet');
  }
  const { only, reader, prometheus, page, json } = values;
  if (reader !== 'auto' && reader !== 'query-range') {
    throw new Error('--reader takes auto or query-range');
  }
  return { containers, krrSample, reader, prometheus, only, page, json };
}

async function runPart(
  task: Task,
  programs: Compiled,
  takeIn: TakeIn,
): Promise<readonly PartResult[]> {
  const { env, execArgv } = asInImage();
  const child = fork(programs.pathOf('test/bench/part.js'), [], {
    env,
    execArgv: [...execArgv, '--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const results: PartResult[] = [];
  child.on('message', (message: PartMessage) => {
    if (message.kind === 'Result') results.push(message.result);
    else if (message.kind === 'Hour') {
      takeIn(message.toSeconds).then(
        () => child.send(TAKEN_IN),
        (error: unknown) => child.send(String(error)),
      );
    } else progress.show(`${task.fleet.length} containers: ${message.text}`);
  });
  const end = ended(child, `the part "${task.part}"`, interrupt.signal);
  child.send(task);
  await end;
  return results;
}

interface Programs {
  readonly seeder: string;
  readonly prometheus: string;
  readonly programs: Compiled;
}

async function runServer(
  containers: number,
  { seeder, prometheus, programs }: Programs,
  { krrSample, reader }: Options,
): Promise<ServerRun> {
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-bench-'));
  let server: FleetServer | undefined;
  try {
    server = await startFleetServer({
      seeder,
      prometheus,
      containers,
      folder,
      signal: interrupt.signal,
      onProgress: (done, total) =>
        progress.show(`${containers} containers: writing history, block ${done} of ${total}`),
    });
    const { url, fleet, fromSeconds, toSeconds, takeIn } = server;
    const parts: PartResult[] = [];
    for (const part of PARTS) {
      await server.restart();
      interrupt.signal.throwIfAborted();
      const serverPid = server.pid();
      const how = { fromSeconds, toSeconds, krrSample, reader };
      const task = { part, url, serverPid, fleet, ...how };
      parts.push(...(await runPart(task, programs, takeIn)));
    }
    return { containers, parts };
  } finally {
    await server?.halt();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a script of the benchmark that prints JSON. */
async function runScript(
  script: string,
  flags: readonly string[],
  programs: Compiled,
): Promise<unknown> {
  progress.show(`${script} ${flags.join(' ')}`);
  const { env, execArgv } = asInImage();
  const child = fork(programs.pathOf(`test/bench/${script}`), [...flags, '--json'], {
    env,
    execArgv: [...execArgv, '--expose-gc'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part) => (text += String(part)));
  await ended(child, script, interrupt.signal);
  return JSON.parse(text);
}

/** The server's program where one is to be measured. */
async function serverProgram({ only, prometheus }: Options): Promise<string | undefined> {
  if (only !== undefined && only !== 'server') return undefined;
  return prometheus ?? (await build('server', interrupt.signal));
}

async function runAll(options: Options, prometheus: string | undefined): Promise<Results> {
  const wants = (what: string): boolean => options.only === undefined || options.only === what;
  progress.show('compiling');
  await using programs = await Compiled.build('test/bench/tsconfig.build.json', interrupt.signal);
  const servers: ServerRun[] = [];
  if (prometheus !== undefined) {
    const seeder = await build('seed', interrupt.signal);
    for (const containers of options.containers) {
      servers.push(await runServer(containers, { seeder, prometheus, programs }, options));
    }
  }
  const core = wants('core')
    ? ((await runScript('core.js', [], programs)) as CoreFigures)
    : undefined;
  const fleets: FleetFigures[] = [];
  for (const { containers, shards } of wants('fleet') ? SIMULATED : []) {
    const flags = [`--containers=${containers}`, `--shards=${shards}`];
    fleets.push((await runScript('fleet.js', flags, programs)) as FleetFigures);
  }
  return { servers, core, fleets };
}

async function machine(prometheus: string | undefined): Promise<string> {
  const [cpu] = cpus();
  const server =
    prometheus === undefined ? '' : `Prometheus ${await prometheusVersion(prometheus)}, `;
  return `${server}Node ${process.version}, ${cpus().length} CPUs (${cpu?.model ?? 'unknown'})`;
}

/** Of a server that was given there are tables of their own. */
async function writePage(
  file: string,
  where: string,
  { results, isGiven }: { readonly results: Results; readonly isGiven: boolean },
): Promise<void> {
  const placeOf = (name: string) => (isGiven ? `given-${name}` : name);
  const parts = new Map(
    [...sectionsOf(results, 'markdown')].map(([name, text]) => [
      name.startsWith('server') ? placeOf(name) : name,
      text,
    ]),
  );
  if (results.servers.length > 0) parts.set(placeOf('machine'), where);
  await writeFile(file, fillPage(await readFile(file, 'utf8'), parts));
}

async function main(): Promise<void> {
  const options = readOptions();
  const prometheus = await serverProgram(options);
  const where = await machine(prometheus);
  const results = await runAll(options, prometheus);
  progress.clear();
  process.stdout.write(`${where}\n\n`);
  process.stdout.write(`${[...sectionsOf(results, 'plain').values()].join('\n\n')}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ where, ...results }, null, 2)}\n`);
  }
  const isGiven = options.prometheus !== undefined;
  if (options.page !== undefined) await writePage(options.page, where, { results, isGiven });
}

try {
  await main();
} catch (error) {
  progress.clear();
  if (interrupt.signal.aborted) process.exitCode = 130;
  else {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
