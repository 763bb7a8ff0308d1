import assert from 'node:assert/strict';
import { putBack } from '../../../src/cli/revertpods.ts';
import type { ResizeAnswer, SeenPod } from '../../../src/controller/changeports.ts';
import { ANYWHERE } from '../../../src/controller/placement.ts';
import type { Pod } from '../../../src/controller/ports.ts';
import { podRevert } from '../../../src/controller/revert.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
import type { PatchedContainer } from '../../../src/resize/podplan.ts';
import { MI, NOW } from '../../support/builders.ts';
import { MemoryCluster } from '../controller/memorycluster.ts';

const ref = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const TEMPLATE: Sizes = { requests: { cpu: 1, memory: 512 * MI }, limits: {} };
const SIZED: Sizes = { requests: { cpu: 0.2, memory: 128 * MI }, limits: {} };
const template = [{ name: 'main', sizes: TEMPLATE }];

function aPod(spec: Sizes, change: Partial<Pod> & { readonly actual?: Sizes } = {}): Pod {
  const { actual = spec, ...others } = change;
  const container = {
    name: 'main',
    kind: 'Container' as const,
    ...spec,
    actual,
    restarts: 0,
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: undefined,
  };
  return {
    namespace: 'shop',
    name: 'web-0',
    uid: 'uid-0',
    node: 'node-a',
    owner: undefined,
    resourceVersion: '1',
    createdSeconds: NOW,
    startedSeconds: undefined,
    running: true,
    isTerminating: false,
    hasEnded: false,
    hasFailed: false,
    isReady: true,
    readinessSeconds: NOW,
    generation: 1,
    observedGeneration: 1,
    resize: { state: 'None' },
    otherResizer: undefined,
    qosClass: 'Burstable',
    hasPodResources: false,
    placement: ANYWHERE,
    containers: [container],
    initContainers: [],
    ...others,
  };
}

/** A pod in a cluster that answers resizes one by one, and what was asked of it. */
class Resizes {
  readonly cluster = new MemoryCluster();
  readonly asked: { readonly pod: SeenPod; readonly isDryRun: boolean }[] = [];
  readonly abort = new AbortController();
  onAsked: (attempt: number) => ResizeAnswer = () => ({ kind: 'Accepted' });

  constructor() {
    this.becomes(aPod(SIZED));
  }

  becomes(...pods: readonly Pod[]): void {
    this.cluster.podsOf.set('shop/Deployment/web', pods);
  }

  putBack({ isDryRun = false, patienceMs = 0 } = {}) {
    const [pod = assert.fail('no pod')] = this.cluster.pods(ref);
    const way = podRevert(pod, template) ?? assert.fail('nothing differs');
    const resize = (
      seen: SeenPod,
      _containers: readonly PatchedContainer[],
      options: { readonly isDryRun: boolean },
    ) => {
      this.asked.push({ pod: seen, isDryRun: options.isDryRun });
      return Promise.resolve(this.onAsked(this.asked.length));
    };
    const changer = { resize, evict: () => assert.fail('nothing is evicted') };
    const world = { view: this.cluster, changer, isDryRun, signal: this.abort.signal, patienceMs };
    return putBack({ ref, template, way }, world);
  }
}

describe('a pod that is put back', () => {
  let world: Resizes;

  beforeEach(() => {
    world = new Resizes();
  });

  it('is back once it runs so', async () => {
    world.onAsked = () => {
      world.becomes(aPod(TEMPLATE));
      return { kind: 'Accepted' };
    };
    assert.deepEqual(await world.putBack(), { kind: 'Back' });
    assert.equal(world.asked.length, 1);
  });

  it('is only asked for in a dry run, and not waited for', async () => {
    assert.deepEqual(await world.putBack({ isDryRun: true }), { kind: 'Back' });
    assert.deepEqual(
      world.asked.map(({ isDryRun }) => isDryRun),
      [true],
    );
  });

  it('is looked at anew when it has changed meanwhile', async () => {
    world.onAsked = (attempt) => {
      world.becomes(attempt === 1 ? aPod(SIZED, { resourceVersion: '2' }) : aPod(TEMPLATE));
      return { kind: attempt === 1 ? 'Stale' : 'Accepted' };
    };
    assert.deepEqual(await world.putBack(), { kind: 'Back' });
    assert.deepEqual(
      world.asked.map(({ pod }) => pod.resourceVersion),
      ['1', '2'],
    );
  });

  it('is back where somebody else put it back meanwhile', async () => {
    world.onAsked = () => {
      world.becomes(aPod(TEMPLATE));
      return { kind: 'Stale' };
    };
    assert.deepEqual(await world.putBack(), { kind: 'Back' });
    assert.equal(world.asked.length, 1);
  });

  it('is gone when it goes at any time', async () => {
    world.onAsked = () => ({ kind: 'Gone' });
    assert.deepEqual(await world.putBack(), { kind: 'Gone' });
    for (const kind of ['Stale', 'Accepted'] as const) {
      world = new Resizes();
      world.onAsked = () => {
        world.becomes();
        return { kind };
      };
      assert.deepEqual(await world.putBack(), { kind: 'Gone' });
    }
  });

  it('is not back where the API server refuses, and is not asked again', async () => {
    for (const kind of ['Infeasible', 'Refused', 'Forbidden'] as const) {
      world = new Resizes();
      world.onAsked = () => ({ kind, message: 'no' });
      assert.deepEqual(await world.putBack(), { kind: 'NotBack', message: `${kind}: no` });
      assert.equal(world.asked.length, 1);
    }
  });

  it('is not back where the node has no room until patience ends', async () => {
    const resize = { state: 'Deferred', message: 'no room', sinceSeconds: NOW } as const;
    world.onAsked = () => {
      world.becomes(aPod(TEMPLATE, { actual: SIZED, resize }));
      return { kind: 'Accepted' };
    };
    assert.deepEqual(await world.putBack(), { kind: 'NotBack', message: 'Deferred: no room' });
  });

  it('is not asked for after an interruption, and not waited for', async () => {
    world.abort.abort();
    assert.deepEqual(await world.putBack(), { kind: 'Untouched' });
    assert.equal(world.asked.length, 0);
    world = new Resizes();
    world.onAsked = () => {
      world.abort.abort();
      return { kind: 'Accepted' };
    };
    assert.deepEqual(await world.putBack({ patienceMs: 60_000 }), {
      kind: 'NotBack',
      message: 'asked for, and not waited for to the end',
    });
  });
});
