import assert from 'node:assert/strict';
import { asError } from '../../src/kube/errors.ts';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { addRow, ownTable } from './acting-rows.ts';
import { isReady, podsOf, within, type StoredPod } from './acting-pods.ts';
import type { ActingWorkload } from './acting-workloads.ts';
import { openWorld, type Place, type RunningWorld, type WorldSetup } from './acting-world.ts';
import { apply, kubectl } from './cluster.ts';
import { policy } from './scene.ts';

/** What one scenario has to itself. */
export interface Scene {
  readonly namespace: string;
  readonly connection: KubeConnection;
  readonly world: RunningWorld;
  /** Applies the scenario's policy, with this put over it. */
  govern(spec?: object): Promise<void>;
  /** Pods of an app that are not being deleted. */
  pods(app: string): Promise<readonly StoredPod[]>;
  /** The only pod of an app, as soon as it passes. */
  pod(app: string, seconds?: number, check?: (pod: StoredPod) => void): Promise<StoredPod>;
  kubectl(...args: readonly string[]): Promise<string>;
}

/** Sees to it that something comes about, and answers with what was seen. */
type Step = (scene: Scene) => Promise<string>;

interface ScenarioSetup {
  /** Ends the name of its namespace. */
  readonly name: string;
  readonly workloads: readonly ActingWorkload[];
  /** Remembered by Prometheus, and made by the scenario itself. */
  readonly later?: readonly ActingWorkload[];
  /** Without a namespace; made before the workloads. */
  readonly objects?: readonly object[];
  /** Put over `POLICY`; `undefined` leaves policies to the scenario. */
  readonly policy?: object | undefined;
  /** Made before the operator starts, once the pods run. */
  readonly prepare?: (scene: Scene) => Promise<unknown>;
}

/** Acts as fast as a policy lets it: cooldowns and observation at their least, savings in one step. */
export const POLICY = {
  mode: 'InPlace',
  history: { minimum: '1h' },
  changes: {
    increase: { cooldown: '1s' },
    decrease: { cooldown: '1h', maxStep: '100%' },
    maxPodsAtOnce: '100%',
    rollback: { observe: '1m' },
  },
};

interface Result {
  readonly seen: string;
  readonly seconds: number;
  readonly error: Error | undefined;
}

interface Planned {
  readonly run: Step;
  readonly title: string;
  readonly done: PromiseWithResolvers<Result>;
}

interface Scenario {
  readonly title: string;
  readonly setup: ScenarioSetup;
  readonly steps: Planned[];
}

let open: { readonly name: string; readonly close: () => Promise<void> } | undefined;

after(async () => {
  process.stdout.write(ownTable());
  // Where some scenarios were left out, by mocha's --grep, the world still waits for them.
  await open?.close();
});

/**
 * Scenarios that run at the same time under one operator, each in a namespace of its own. Worlds come one after the
 * other: all scenarios of one must be loaded next to each other.
 */
export class World {
  readonly #name: string;
  readonly #setup: WorldSetup;
  readonly #scenarios: Scenario[] = [];
  #left = 0;
  #opened: Promise<RunningWorld> | undefined;

  constructor(
    name: string,
    flags: readonly string[],
    components: WorldSetup['components'] = ['cluster-resize', 'cluster-workloads', 'admission'],
  ) {
    this.#name = name;
    this.#setup = { flags, components };
  }

  /** Declares a suite; steps come one after the other, and those after one that failed are not tried. */
  scenario(
    title: string,
    setup: ScenarioSetup,
    declare: (step: (title: string, run: Step) => void) => void,
  ): void {
    const scenario: Scenario = { title, setup, steps: [] };
    declare((stepTitle, run) => {
      scenario.steps.push({ title: stepTitle, run, done: Promise.withResolvers<Result>() });
    });
    this.#scenarios.push(scenario);
    const enter = () => this.#enter();
    const leave = () => this.#leave();
    describe(title, function () {
      this.timeout(0);
      before(enter);
      after(leave);
      for (const { title: stepTitle, done } of scenario.steps) {
        it(stepTitle, async () => {
          const { error } = await done.promise;
          if (error !== undefined) throw error;
        });
      }
    });
  }

  async #enter(): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
  }

  async #leave(): Promise<void> {
    this.#left += 1;
    if (this.#left === this.#scenarios.length) await this.#close();
  }

  async #close(): Promise<void> {
    open = undefined;
    // What kept it from opening was told by then, and it was closed.
    const world = await this.#opened?.catch(() => undefined);
    await world?.close();
  }

  async #open(): Promise<RunningWorld> {
    if (open !== undefined) throw new Error(`the world ${open.name} is still open`);
    open = { name: this.#name, close: () => this.#close() };
    const places = this.#scenarios.map((scenario) => this.#place(scenario));
    const world = await openWorld(this.#name, places, this.#setup);
    try {
      const scenes = this.#scenarios.map((scenario) => this.#scene(world, scenario));
      await Promise.all(scenes.map((scene, i) => this.#ready(scene, i)));
      await world.start();
      for (const [i, scene] of scenes.entries()) void played(scene, this.#scenarios[i]);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #ready(scene: Scene, index: number): Promise<void> {
    const { setup } = this.#scenarios[index] ?? assert.fail();
    const { workloads } = setup;
    await setup.prepare?.(scene);
    const wanted = workloads.filter(({ kind }) => kind !== 'CronJob');
    for (const { name, replicas = 1 } of wanted.filter((each) => each.replicas !== 0)) {
      await within(120, async () => {
        const pods = await scene.pods(name);
        assert.equal(pods.filter(isReady).length, replicas, `${scene.namespace}: ${name} is ready`);
      });
    }
  }

  #place({ setup }: Scenario): Place {
    const namespace = `${this.#name}-${setup.name}`;
    const objects = (setup.objects ?? []).map((object) => placed(object, namespace));
    return { namespace, workloads: setup.workloads, later: setup.later ?? [], objects };
  }

  #scene(world: RunningWorld, { setup }: Scenario): Scene {
    const namespace = `${this.#name}-${setup.name}`;
    const { connection } = world;
    const pods = (app: string) => podsOf(connection, namespace, app);
    return {
      namespace,
      connection,
      world,
      govern: (spec = {}) =>
        apply(policy(namespace, 'default', { ...POLICY, ...setup.policy, ...spec })),
      pods,
      pod: (app, seconds = 30, check = () => undefined) =>
        within(seconds, async () => {
          const found = await pods(app);
          const [pod] = found;
          assert.ok(pod !== undefined && found.length === 1, `${found.length} pods of ${app}`);
          check(pod);
          return pod;
        }),
      kubectl: (...args) => kubectl('-n', namespace, ...args),
    };
  }
}

function placed(object: object, namespace: string): object {
  const { metadata } = object as { readonly metadata: object };
  return { ...object, metadata: { ...metadata, namespace } };
}

async function played(scene: Scene, scenario: Scenario | undefined): Promise<void> {
  const { title, setup, steps } = scenario ?? assert.fail();
  let failed: string | undefined;
  const isGoverned = !('policy' in setup && setup.policy === undefined);
  for (const [i, { run, title: stepTitle, done }] of steps.entries()) {
    const start = performance.now();
    let result: Omit<Result, 'seconds'>;
    try {
      if (failed !== undefined) throw new Error(`not tried, since this failed: ${failed}`);
      if (i === 0 && isGoverned) await scene.govern();
      result = { seen: await run(scene), error: undefined };
    } catch (error) {
      failed ??= stepTitle;
      const failure = asError(error);
      const [message = ''] = failure.message.split('\n');
      result = { seen: `${stepTitle}: ${message}`, error: failure };
    }
    const seconds = (performance.now() - start) / 1000;
    addRow({ scenario: title, seen: result.seen, seconds, isOk: result.error === undefined });
    done.resolve({ ...result, seconds });
  }
}
