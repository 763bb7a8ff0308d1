/**
 * The whole controller over a simulated cluster, its source of usage and its API server being in memory:
 * `node --expose-gc test/bench/fleet.ts [--containers 100000] [--shards 4] [--json]`. One shard is run; the others are like it.
 */
import { readFileSync } from 'node:fs';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Controller } from '../../src/controller/controller.ts';
import {
  workloadKey,
  type UsageQuery,
  type UsageReading,
  type WorkloadRef,
} from '../../src/controller/ports.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { MemoryActing } from '../unit/controller/memoryacting.ts';
import { clusterOf, simulatedFleet, type CountingCluster } from './fleetview.ts';
import { heldBytes } from './memory.ts';
import { foldSamples, packedOf, simulatedSamples, type Samples } from './histories.ts';

/** So that the refresh is the last one of a day, which walks over the most of it, and another one the first of the next. */
const NOW = Date.UTC(2027, 0, 15, 22) / 1000;
const HOUR_SECONDS = 3600;
const STEP_SECONDS = 60;
const DAYS = 14;
/** Of so many containers the use differs; each has a history of its own all the same. */
const DISTINCT = 20;

export interface FleetFigures {
  /** Over all shards; all else is of one of them. */
  readonly containers: number;
  readonly shards: number;
  /** Resident at rest, after a refresh, and at most. */
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Of that, what is in use after a collection of garbage; the objects of the cluster are part of it. */
  readonly heldBytes: number;
  readonly firstCpuSeconds: number;
  readonly refreshCpuSeconds: number;
  /** Of the first refresh of a UTC day, which walks over all days. */
  readonly midnightCpuSeconds: number;
  /** Calls of the API server that write: for the first reading, a refresh of an hour, and half an hour without news. */
  readonly firstWrites: number;
  readonly refreshWrites: number;
  readonly idleWrites: number;
}

/** Holds a history of 14 days and of the hours after; gives each container the part that is asked for, for itself. */
class SimulatedUsage {
  readonly #samples: readonly Samples[];
  /** Of the window that was last asked for; reading and folding is what the benchmark with a server measures. */
  readonly #packed = new Map<number, PackedUsage>();
  #window = '';
  /** That was spent here. */
  cpuSeconds = 0;

  constructor() {
    const shape = { days: DAYS + 1, stepSeconds: STEP_SECONDS, toSeconds: NOW + 12 * HOUR_SECONDS };
    this.#samples = Array.from({ length: DISTINCT }, (_, seed) => simulatedSamples(seed, shape));
  }

  read({ targets, fromSeconds, toSeconds }: UsageQuery): Promise<UsageReading> {
    const before = process.cpuUsage();
    const window = `${fromSeconds} to ${toSeconds}`;
    if (window !== this.#window) this.#packed.clear();
    this.#window = window;
    const usage = new Map(
      targets.map(({ workload }) => {
        const packed = this.#packedOf(indexOf(workload) % DISTINCT, fromSeconds, toSeconds);
        return [workloadKey(workload), new Map([['app', packed.slice()]])];
      }),
    );
    const { user, system } = process.cpuUsage(before);
    this.cpuSeconds += (user + system) / 1e6;
    return Promise.resolve({ usage, failures: new Map(), warnings: [] });
  }

  #packedOf(index: number, fromSeconds: number, toSeconds: number): PackedUsage {
    const known = this.#packed.get(index);
    if (known !== undefined) return known;
    const samples = this.#samples[index];
    if (samples === undefined) throw new Error('no samples are simulated');
    const packed = packedOf(foldSamples(cut(samples, fromSeconds, toSeconds), STEP_SECONDS));
    this.#packed.set(index, packed);
    return packed;
  }
}

/** `app-12` → 12: the same use at each reading. */
function indexOf({ name }: WorkloadRef): number {
  return Number(name.slice(name.lastIndexOf('-') + 1));
}

function cut({ times, cores, bytes }: Samples, from: number, to: number): Samples {
  const begin = times.findIndex((time) => time > from);
  const end = times.findLastIndex((time) => time <= to) + 1;
  return {
    times: times.subarray(begin, end),
    cores: cores.subarray(begin, end),
    bytes: bytes.subarray(begin, end),
  };
}

/** The controller, with timers that only run when they are told to. */
class Simulation {
  readonly #cluster: CountingCluster;
  readonly #usage = new SimulatedUsage();
  readonly #controller: Controller;
  readonly #errors: unknown[] = [];
  #now = NOW;

  constructor(containers: number) {
    this.#cluster = clusterOf(simulatedFleet(containers), `${DAYS}d`);
    const quiet = (): void => undefined;
    this.#controller = new Controller({
      view: this.#cluster,
      writer: this.#cluster,
      source: this.#usage,
      events: { record: quiet },
      log: {
        debug: quiet,
        info: quiet,
        warn: quiet,
        error: (fields) => this.#errors.push(fields),
      },
      clock: { nowSeconds: () => this.#now },
      random: () => 0.5,
      isLeader: () => true,
      refreshSeconds: HOUR_SECONDS,
      acting: new MemoryActing().options,
      onReconciled: quiet,
    });
  }

  get writes(): number {
    const { recommendations, statuses, policies, deletions } = this.#cluster.counts;
    return recommendations + statuses + policies + deletions;
  }

  begin(): void {
    this.#controller.lead();
  }

  /** Lets the time pass second by second, each with all that it sets off; gives the CPU seconds of it, less the folding. */
  async pass(seconds: number): Promise<number> {
    const before = process.cpuUsage();
    const folded = this.#usage.cpuSeconds;
    for (let second = 0; second < seconds; second++) {
      this.#now += 1;
      mock.timers.tick(1000);
      await this.#settle();
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6 - (this.#usage.cpuSeconds - folded);
  }

  async #settle(): Promise<void> {
    do {
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    } while (this.#controller.snapshot.queueDepth > 0 && this.#errors.length === 0);
    if (this.#errors.length > 0) {
      throw new Error('a workload could not be reconciled', { cause: this.#errors[0] });
    }
  }

  check(containers: number): void {
    const { usage, outcomes } = this.#controller.snapshot;
    if (usage.unread > 0 || outcomes.size !== containers) {
      throw new Error(
        `${usage.unread} of ${containers} were not read, ${outcomes.size} have an outcome`,
      );
    }
  }

  async end(): Promise<void> {
    await this.#controller.rest();
  }
}

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

async function simulate(containers: number, shards: number): Promise<FleetFigures> {
  mock.timers.enable({ apis: ['setTimeout'] });
  const own = Math.ceil(containers / shards);
  const simulation = new Simulation(own);
  simulation.begin();
  // Until all is read, and the policy has looked at it twice.
  const firstCpuSeconds = await simulation.pass(60);
  simulation.check(own);
  const firstWrites = simulation.writes;
  await simulation.pass(HOUR_SECONDS / 2);
  const idleWrites = simulation.writes - firstWrites;
  const before = simulation.writes;
  // It is read some minutes after the full hour, and then after midnight.
  const refreshCpuSeconds = await simulation.pass(HOUR_SECONDS);
  const refreshWrites = simulation.writes - before;
  const midnightCpuSeconds = await simulation.pass(HOUR_SECONDS);
  const held = await heldBytes();
  const figures = {
    containers,
    shards,
    rssBytes: residentBytes('VmRSS'),
    peakRssBytes: residentBytes('VmHWM'),
    heldBytes: held,
    firstCpuSeconds,
    refreshCpuSeconds,
    midnightCpuSeconds,
    firstWrites,
    refreshWrites,
    idleWrites,
  };
  await simulation.end();
  mock.timers.reset();
  return figures;
}

const { values } = parseArgs({
  options: {
    containers: { type: 'string', default: '100000' },
    shards: { type: 'string', default: '4' },
    json: { type: 'boolean' },
  },
});
const figures = await simulate(Number(values.containers), Number(values.shards));
if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`);
else console.table(figures);
