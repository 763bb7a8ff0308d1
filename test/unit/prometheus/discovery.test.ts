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

/** Answers each question when it is told to; the questions by the first namespace of their selector. */
class HeldLister implements SeriesLister {
  readonly asked: string[] = [];
  readonly #held: PromiseWithResolvers<readonly SeriesLabels[]>[] = [];

  async list({ selectors }: Parameters<SeriesLister['list']>[0]) {
    this.asked.push(/team-\d\d/.exec(selectors[0] ?? '')?.[0] ?? '');
    const held = Promise.withResolvers<readonly SeriesLabels[]>();
    this.#held.push(held);
    return { data: await held.promise, warnings: [], serverSeconds: undefined };
  }

  answer(): void {
    this.#held.shift()?.resolve([]);
  }

  fail(): void {
    this.#held.shift()?.reject(new PrometheusError('PrometheusOverloaded', 'too busy'));
  }
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
