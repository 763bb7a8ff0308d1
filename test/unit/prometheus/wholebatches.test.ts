import assert from 'node:assert/strict';
import { workloadKey, type UsageQuery, type UsageTarget } from '../../../src/controller/ports.ts';
import { rawQueries } from '../../../src/prometheus/rawqueries.ts';
import { KnownMarks } from '../../../src/prometheus/seriesmarks.ts';
import { splitWhole, wholeBatches } from '../../../src/prometheus/wholebatches.ts';

const HOUR = 3600;
/** A multiple of two hours. */
const TEN = Date.UTC(2027, 0, 15, 10) / 1000;

function target(namespace: string, name: string, pods = 1): UsageTarget {
  return {
    workload: { namespace, kind: 'Deployment', name },
    pods: Array.from({ length: pods }, (_, i) => `${name}-${i}`),
  };
}

function queryOf(targets: readonly UsageTarget[], change: Partial<UsageQuery> = {}): UsageQuery {
  return {
    targets,
    siblings: targets.map(({ workload }) => workload),
    fromSeconds: TEN,
    toSeconds: TEN + HOUR + 480,
    ...change,
  };
}

const web = target('shop', 'web');
const cart = target('shop', 'cart');
const till = target('bank', 'till');
const namespacesOf = (query: UsageQuery, marks?: KnownMarks) =>
  wholeBatches(query.targets, query, marks).map(({ batch }) => batch.whole?.namespaces);

describe('whole namespaces', () => {
  it('are read where at least half of one is wanted, over less than a day', () => {
    const siblings = [web, cart, till].map(({ workload }) => workload);
    const others = [...siblings, { ...web.workload, name: 'other' }];
    const split = (change: Partial<UsageQuery>) =>
      splitWhole(queryOf([web, till], { siblings, ...change }));
    assert.deepEqual(split({}), [[web, till], []]);
    assert.deepEqual(split({ siblings: others }), [[till], [web]]);
    assert.deepEqual(split({ toSeconds: TEN + 24 * HOUR - 1 }), [[web, till], []]);
    assert.deepEqual(split({ toSeconds: TEN + 24 * HOUR }), [[], [web, till]]);
  });

  it('are in one batch, up to 50 of them and 1,000 pods', () => {
    const many = Array.from({ length: 51 }, (_, i) => target(`n${i}`, 'web'));
    assert.deepEqual(
      namespacesOf(queryOf(many)).map((of) => of?.length),
      [50, 1],
    );
    const [a, b, c] = [target('a', 'web', 600), target('b', 'web', 400), target('c', 'web')];
    assert.deepEqual(namespacesOf(queryOf([a, b, c])), [['a', 'b'], ['c']]);
  });

  it('are by themselves where all their workloads with pods have marks at the begin of the window', () => {
    const marks = new KnownMarks();
    const query = queryOf([web, cart, till, target('idle', 'job', 0)]);
    const isFromMarks = () =>
      wholeBatches(query.targets, query, marks).map(({ batch: { whole } }) => [
        whole?.namespaces,
        whole?.isFromMarks,
      ]);
    const none = [
      [['idle'], true],
      [['shop', 'bank'], false],
    ];
    assert.deepEqual(isFromMarks(), none);
    marks.complete(workloadKey(web.workload), TEN * 1000);
    marks.complete(workloadKey(till.workload), (TEN + 2 * HOUR) * 1000);
    assert.deepEqual(isFromMarks(), none);
    marks.complete(workloadKey(cart.workload), TEN * 1000);
    assert.deepEqual(isFromMarks(), [
      [['shop', 'idle'], true],
      [['bank'], false],
    ]);
  });

  /** What is asked of pods whose containers may have restarted. */
  function asked(restartedPods: UsageQuery['restartedPods']) {
    const query = queryOf([web, till], restartedPods && { restartedPods });
    const [whole] = wholeBatches(query.targets, query, undefined);
    assert.ok(whole);
    const question = { batch: whole.batch, window: query, stepSeconds: 60, withSignals: true };
    return rawQueries(question, [])
      .map(({ matchers }) => new Map(matchers.map(({ label, value }) => [label, value])))
      .filter((labels) => labels.get('__name__')?.includes('restarts') === true)
      .map((labels) => labels.get('pod'));
  }

  it('are asked for the restarts of those pods alone that may have had any', () => {
    assert.deepEqual(
      asked(
        new Map([
          ['shop', ['web-0', 'gone']],
          ['bank', ['web-0']],
        ]),
      ),
      ['web-0|gone'],
    );
  });

  it('are asked for no restarts where there were none', () => {
    assert.deepEqual(
      asked(
        new Map([
          ['shop', []],
          ['bank', []],
        ]),
      ),
      [],
    );
  });

  it('are asked for the restarts of all pods where any may have had some, or many had', () => {
    const many = Array.from({ length: 201 }, (_, i) => `web-${i}`);
    for (const restarted of [
      undefined,
      new Map([['shop', []]]),
      new Map([
        ['shop', many],
        ['bank', []],
      ]),
    ]) {
      assert.deepEqual(asked(restarted), [undefined]);
    }
  });
});
