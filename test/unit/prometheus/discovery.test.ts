import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { UsageQuery } from '../../../src/controller/ports.ts';
import type { PrometheusClient } from '../../../src/prometheus/client.ts';
import { findPodsAhead } from '../../../src/prometheus/discovery.ts';
import { PrometheusError } from '../../../src/prometheus/prometheuserror.ts';
import type { SeriesLabels, SeriesLister } from '../../../src/prometheus/serieslist.ts';
import { createSession } from '../../../src/prometheus/session.ts';

/** One Deployment in each of so many namespaces, with so many pods that are running. */
function queryOf(namespaces: number, pods = 20): UsageQuery {
  const targets = Array.from({ length: namespaces }, (_, i) => {
    const namespace = `team-${String(i).padStart(2, '0')}`;
    return {
      workload: { namespace, kind: 'Deployment', name: 'api' } as const,
      pods: Array.from({ length: pods }, (__, pod) => `api-6f7d8c9b5d-x2x${pod}z`),
    };
  });
  const siblings = targets.map(({ workload }) => workload);
  return { targets, siblings, fromSeconds: 0, toSeconds: 86_400 };
}

const CPU = 'container_cpu_usage_seconds_total';
const MEMORY = 'container_memory_working_set_bytes';

interface HeldQuestion {
  readonly selector: string;
  readonly answer: PromiseWithResolvers<readonly SeriesLabels[]>;
}

/** Answers each question when it is told to, by a pod that runs in each namespace that is asked for. */
class HeldLister implements SeriesLister {
  /** The first namespace of each question. */
  readonly asked: string[] = [];
  readonly #held: HeldQuestion[] = [];

  async list({ selectors: [selector = ''] }: Parameters<SeriesLister['list']>[0]) {
    this.asked.push(namespacesIn(selector)[0] ?? '');
    const answer = Promise.withResolvers<readonly SeriesLabels[]>();
    this.#held.push({ selector, answer });
    return { data: await answer.promise, warnings: [], aheadSeconds: undefined };
  }

  answer(): void {
    const { selector, answer } = this.#next();
    answer.resolve(
      namespacesIn(selector).map((namespace) => ({
        __name__: CPU,
        namespace,
        pod: 'api-6f7d8c9b5d-x2x0z',
      })),
    );
  }

  fail(): void {
    this.#next().answer.reject(new PrometheusError('PrometheusOverloaded', 'too busy'));
  }

  #next(): HeldQuestion {
    const held = this.#held.shift();
    assert.ok(held, 'nothing is asked');
    return held;
  }
}

function namespacesIn(selector: string): readonly string[] {
  return selector.match(/team-\d\d/g) ?? [];
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

describe('finding pods ahead of reading', () => {
  const session = () => createSession({} as PrometheusClient, [], new AbortController().signal);

  it('begins with few pods, and is one part ahead of what was asked for', async () => {
    const lister = new HeldLister();
    const parts = findPodsAhead({ session: session(), lister }, queryOf(19));
    const first = parts.next();
    await settled();
    assert.deepEqual(lister.asked, ['team-00']);
    lister.answer();
    const { value } = await first;
    assert.equal(value?.found.workloads.length, 3);
    await settled();
    assert.deepEqual(lister.asked, ['team-00', 'team-03']);
    lister.answer();
    await settled();
    assert.deepEqual(lister.asked, ['team-00', 'team-03']);
    const sizes: number[] = [];
    const rest = (async () => {
      for await (const { found } of parts) sizes.push(found.workloads.length);
    })();
    await settled();
    assert.deepEqual(lister.asked, ['team-00', 'team-03', 'team-11']);
    lister.answer();
    await rest;
    assert.deepEqual(sizes, [8, 8]);
  });

  it('puts namespaces of few pods together', async () => {
    const lister = new HeldLister();
    const sizes: number[] = [];
    const all = (async () => {
      for await (const { found } of findPodsAhead({ session: session(), lister }, queryOf(99, 1))) {
        sizes.push(found.workloads.length);
      }
    })();
    for (let part = 0; part < 3; part++) {
      await settled();
      lister.answer();
    }
    await all;
    assert.deepEqual(sizes, [20, 60, 19]);
  });

  it('leaves a failure to the namespaces that it is of', async () => {
    const lister = new HeldLister();
    const parts = findPodsAhead({ session: session(), lister }, queryOf(5));
    const first = parts.next();
    await settled();
    lister.fail();
    const { value: failed } = await first;
    assert.deepEqual(
      failed?.found.failures.map(({ reason, targets }) => [reason, targets.length]),
      [['PrometheusOverloaded', 3]],
    );
    const second = parts.next();
    await settled();
    lister.answer();
    const { value: found } = await second;
    assert.equal(found?.found.workloads.length, 2);
    assert.equal((await parts.next()).done, true);
  });

  it('leaves no question under way when nobody asks any more', async () => {
    const lister = new HeldLister();
    const parts = findPodsAhead({ session: session(), lister }, queryOf(40));
    const first = parts.next();
    await settled();
    lister.answer();
    await first;
    let isOver = false;
    const over = parts.return(undefined).then(() => (isOver = true));
    await settled();
    assert.equal(isOver, false);
    lister.fail();
    await over;
  });
});

describe('the pods of a namespace', () => {
  const LIVE = 'api-6f7d8c9b5d-x2x0z';

  /** Knows pods by the metrics of `known` only; a metric without any is too much for it to list. */
  class KnowingLister implements SeriesLister {
    readonly #known: Readonly<Record<string, readonly string[] | undefined>>;

    constructor(known: Readonly<Record<string, readonly string[] | undefined>>) {
      this.#known = known;
    }

    list({ selectors }: Parameters<SeriesLister['list']>[0]) {
      const data = selectors.flatMap((selector) => {
        const name = selector.slice(0, selector.indexOf('{'));
        const pods = name in this.#known ? this.#known[name] : [];
        if (pods === undefined) {
          throw new PrometheusError('PrometheusOverloaded', 'too long', { tooLarge: true });
        }
        return pods.map((pod) => ({ __name__: name, namespace: 'team-00', pod }));
      });
      return Promise.resolve({ data, warnings: [], aheadSeconds: undefined });
    }
  }

  async function podsBy(lister: SeriesLister, named: readonly string[] = []) {
    const client = {
      labelValues: () => Promise.resolve({ data: named, warnings: [], aheadSeconds: undefined }),
    };
    const { signal } = new AbortController();
    const session = createSession(client as unknown as PrometheusClient, [], signal);
    const found: string[] = [];
    for await (const part of findPodsAhead({ session, lister }, queryOf(1, 1))) {
      found.push(...part.found.workloads.flatMap(({ pods }) => pods));
    }
    return found;
  }

  it('are known by memory, or by an OOM kill, where CPU tells of others only', async () => {
    const lister = new KnowingLister({
      [CPU]: [LIVE],
      [MEMORY]: [LIVE, 'api-6f7d8c9b5d-f2rmr'],
      kube_pod_container_status_terminated_reason: ['api-6f7d8c9b5d-k2lld'],
    });
    assert.deepEqual(await podsBy(lister), ['api-6f7d8c9b5d-f2rmr', 'api-6f7d8c9b5d-k2lld', LIVE]);
  });

  it('are told by their names where the list is too long', async () => {
    const lister = new KnowingLister({ [CPU]: undefined });
    const found = await podsBy(lister, ['api-6f7d8c9b5d-f2rmr']);
    assert.deepEqual(found, ['api-6f7d8c9b5d-f2rmr', LIVE]);
  });
});
