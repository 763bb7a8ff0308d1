import { setImmediate, setTimeout } from 'node:timers/promises';
import { compose, type Outcome } from '../../src/controller/compose.ts';
import { governanceOf } from '../../src/controller/gather.ts';
import type { KnownPod } from '../../src/controller/knownpods.ts';
import { workloadKey, type Workload, type WorkloadRef } from '../../src/controller/ports.ts';
import { UsageKeeper } from '../../src/controller/usage.ts';
import { RestartedPods } from '../../src/kube/restartedpods.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { clusterOf, type CountingCluster } from './fleetview.ts';
import { heldBytes } from './memory.ts';
import { meanOf, Meter, type Figures } from './meter.ts';
import { REFRESHES, WINDOW_DAYS, type Say, type TakeIn, type Task } from './task.ts';

const REFRESH_SECONDS = 3600;
/** A server goes on for a moment with what it has taken in. */
const SETTLE_MS = 300;

/** The operator's own way: its keeper of usage over the real reader, and the status of each workload after each reading. */
export function measureOurs(task: Task, say: Say, takeIn: TakeIn): Promise<void> {
  // What describes the fleet is let go: the operator has the objects of its cluster only.
  const cluster = clusterOf(task.fleet, `${WINDOW_DAYS}d`);
  return measure(new Run(task, cluster, { say, takeIn }), task.fleet.length, say);
}

async function measure(run: Run, containers: number, say: Say): Promise<void> {
  const before = await heldBytes();
  const [cold, ...refreshes] = await run.all();
  if (cold === undefined) throw new Error('nothing was read');
  const keptBytesPerContainer = ((await heldBytes()) - before) / containers;
  const note = run.notes.join('; ');
  say({ kind: 'Result', result: { row: 'cold', figures: cold, note, keptBytesPerContainer } });
  const mean = meanOf(refreshes);
  const averaged = `mean of ${refreshes.length} hours`;
  say({ kind: 'Result', result: { row: 'refresh', figures: mean, note: averaged } });
  await run.end();
}

/** One first reading and then the refreshes, each at once when the one before is done: only the clock is not real. */
class Run {
  readonly notes: string[] = [];
  readonly #cluster: CountingCluster;
  readonly #say: Say;
  readonly #takeIn: TakeIn;
  /** Up to which the server has samples, or is about to take them in. */
  #takenIn: number;
  #taking: Promise<void> = Promise.resolve();
  readonly #source: ReturnType<typeof createPrometheusSource>;
  readonly #keeper: UsageKeeper;
  readonly #figures: Figures[] = [];
  readonly #restarted = new RestartedPods();
  readonly #waiting = new Set<string>();
  readonly #unseen: string[] = [];
  readonly #done = Promise.withResolvers<readonly Figures[]>();
  #meter: Meter | undefined;
  #now: number;
  #decoded = 0;

  constructor(
    { url, reader, serverPid, toSeconds }: Omit<Task, 'fleet'>,
    cluster: CountingCluster,
    { say, takeIn }: { readonly say: Say; readonly takeIn: TakeIn },
  ) {
    this.#cluster = cluster;
    this.#say = say;
    this.#takeIn = takeIn;
    this.#now = toSeconds;
    this.#takenIn = toSeconds;
    this.#watchPods();
    this.#source = createPrometheusSource({
      url,
      reader,
      onCall: ({ bytes, outcome }) => {
        this.#decoded += bytes;
        if (outcome !== 'Ok') this.#done.reject(new Error(`a call ended in ${outcome}`));
      },
      onProgress: (done, total) =>
        say({ kind: 'Progress', text: `${this.#what}, ${done} of ${total} workloads` }),
    });
    this.#keeper = new UsageKeeper({
      source: {
        // What the keeper waits before it reads is not part of the figures, nor what is scraped meanwhile.
        read: async (query, signal, onPart) => {
          await this.#hourPassed();
          this.#meter ??= new Meter(serverPid);
          return this.#source.read(query, signal, onPart);
        },
      },
      clock: { nowSeconds: () => this.#now },
      intervalSeconds: REFRESH_SECONDS,
      podsOf: (ref) => this.#podsOf(ref),
      restartedPodsOf: (namespace, fromSeconds) => this.#restarted.of(namespace, fromSeconds),
      siblingsOf: (namespace) =>
        [...cluster.workloads.values()]
          .map(({ ref }) => ref)
          .filter((ref) => ref.namespace === namespace),
      onRead: (keys) => this.#read(keys),
      onWarning: ({ reason, message }) => this.notes.push(`${reason}: ${message}`),
      random: () => 0.5,
    });
  }

  /** As an operator that has run for a while. */
  #watchPods(): void {
    for (const pod of [...this.#cluster.podsOf.values()].flat()) {
      this.#restarted.podChanged({ kind: 'Added', key: pod.name, item: pod }, this.#now);
    }
    this.#restarted.watching(true, 0);
  }

  get #what(): string {
    return this.#figures.length === 0 ? 'first reading' : `refresh ${this.#figures.length}`;
  }

  all(): Promise<readonly Figures[]> {
    this.#begin();
    for (const { ref } of this.#cluster.workloads.values()) this.#want(ref);
    return this.#done.promise;
  }

  async end(): Promise<void> {
    await this.#keeper.stop();
    this.#source.close();
  }

  #want(ref: WorkloadRef): ReturnType<UsageKeeper['want']> {
    return this.#keeper.want(ref, WINDOW_DAYS * DAY_SECONDS);
  }

  async #hourPassed(): Promise<void> {
    if (this.#takenIn < this.#now) {
      this.#takenIn = this.#now;
      this.#taking = this.#takeIn(this.#now).then(() => setTimeout(SETTLE_MS));
    }
    await this.#taking;
  }

  #podsOf(ref: WorkloadRef): readonly KnownPod[] {
    return this.#cluster.podsOf.get(workloadKey(ref)) ?? [];
  }

  #begin(): void {
    for (const key of this.#cluster.workloads.keys()) this.#waiting.add(key);
    this.#decoded = 0;
    this.#meter = undefined;
  }

  /**
   * As the controller does: what was read is looked at one by one, while the next part is read. The last part is looked
   * at before the keeper goes on, so that an hour has passed for it.
   */
  #read(keys: readonly string[]): void {
    this.#unseen.push(...keys);
    if (this.#unseen.length === this.#waiting.size) while (this.#next()) continue;
    else void this.#lookOn();
    if (this.#waiting.size > 0) return;
    if (this.#meter !== undefined) this.#figures.push(this.#meter.figures(this.#decoded));
    if (this.#figures.length > REFRESHES) {
      this.#done.resolve(this.#figures);
      return;
    }
    this.#say({ kind: 'Progress', text: this.#what });
    this.#now += REFRESH_SECONDS;
    this.#begin();
  }

  async #lookOn(): Promise<void> {
    do await setImmediate();
    while (this.#next());
  }

  #next(): boolean {
    const key = this.#unseen.shift();
    if (key === undefined) return false;
    const workload = this.#cluster.workloads.get(key);
    if (workload !== undefined) this.#recommend(workload);
    this.#waiting.delete(key);
    return true;
  }

  #recommend(workload: Workload): void {
    const usage = this.#want(workload.ref);
    const governance = governanceOf(this.#cluster, workload);
    const key = workloadKey(workload.ref);
    if (usage.failure !== undefined || governance === undefined) {
      const why = usage.failure?.message ?? 'no policy selects it';
      this.#done.reject(new Error(`${key}: ${why}`));
      return;
    }
    const input = { view: this.#cluster, nowSeconds: this.#now, governance, usage };
    const { outcome } = compose(workload, { ...input, stored: undefined });
    if (!isSized(outcome)) this.#done.reject(new Error(`${key} is not sized: ${outcome.state}`));
  }
}

function isSized({ containers }: Outcome): boolean {
  for (const { cpu, memory } of containers ?? []) {
    if (cpu.recommended > 0 && memory.recommended > 0) return true;
  }
  return false;
}
