import assert from 'node:assert/strict';
import { ANYWHERE, mayRunOn } from '../../../src/controller/placement.ts';
import { placementOf } from '../../../src/kube/placement.ts';
import { GI, MI, NOW } from '../../support/builders.ts';
import { ActingWorld, cartPod } from './actingworld.ts';
import { aNode, aPodContainer } from './memorycluster.ts';

const CONTROL_PLANE = {
  key: 'node-role.kubernetes.io/control-plane',
  value: '',
  effect: 'NoSchedule',
} as const;

/** By the spec of a pod, as the API server has it, on a node with these labels and taints. */
function may(spec: object, change: Parameters<typeof aNode>[2] = {}): boolean {
  return mayRunOn(placementOf({ ...spec }), aNode('node-1', {}, change));
}

function affinity(...nodeSelectorTerms: readonly object[]): object {
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms };
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } } };
}

describe('a pod may be on a node', () => {
  it('that keeps nobody away, where it asks for nothing', () => {
    assert.equal(placementOf({}), ANYWHERE);
    assert.equal(may({}), true);
  });

  it('whose taints it tolerates, and for good', () => {
    const tainted = { taints: [CONTROL_PLANE] };
    const key = CONTROL_PLANE.key;
    assert.equal(may({}, tainted), false);
    assert.equal(may({ tolerations: [{ operator: 'Exists' }] }, tainted), true);
    assert.equal(may({ tolerations: [{ key, operator: 'Exists' }] }, tainted), true);
    assert.equal(may({ tolerations: [{ key, value: '' }] }, tainted), true);
    assert.equal(may({ tolerations: [{ key, value: 'x' }] }, tainted), false);
    assert.equal(
      may({ tolerations: [{ key, operator: 'Exists', effect: 'NoExecute' }] }, tainted),
      false,
    );
    const forAWhile = [{ key, operator: 'Exists', tolerationSeconds: 300 }];
    assert.equal(may({ tolerations: forAWhile }, tainted), false);
  });

  it('that has the labels of its selector', () => {
    assert.equal(may({ nodeSelector: { disk: 'ssd' } }, { labels: { disk: 'ssd' } }), true);
    assert.equal(may({ nodeSelector: { disk: 'ssd' } }, { labels: { disk: 'hdd' } }), false);
  });

  it('that one term of its required affinity matches in all parts', () => {
    const labels = { zone: 'a', cores: '8' };
    const inZone = (...values: readonly string[]) => ({ key: 'zone', operator: 'In', values });
    const term = (...matchExpressions: readonly object[]) => ({ matchExpressions });
    const cases: readonly (readonly [object, boolean])[] = [
      [affinity(term(inZone('a', 'b'))), true],
      [affinity(term(inZone('b'))), false],
      [affinity(term(inZone('b')), term(inZone('a'))), true],
      [affinity(term(inZone('a'), { key: 'gpu', operator: 'Exists' })), false],
      [affinity(term({ key: 'gpu', operator: 'DoesNotExist' })), true],
      [affinity(term({ key: 'zone', operator: 'NotIn', values: ['a'] })), false],
      [affinity(term({ key: 'cores', operator: 'Gt', values: ['7'] })), true],
      [affinity(term({ key: 'cores', operator: 'Lt', values: ['8'] })), false],
      [affinity(term({ key: 'zone', operator: 'Unknown' })), false],
      [affinity({}), false],
      [
        affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }),
        true,
      ],
    ];
    for (const [spec, want] of cases)
      assert.equal(may(spec, { labels }), want, JSON.stringify(spec));
  });
});

describe('nodes that pods of a workload may not be on', () => {
  it('are no room for what replaces a pod', async () => {
    const world = new ActingWorld({ mode: 'Recreate' });
    const asked = { requests: { cpu: 0.75, memory: 768 * MI }, limits: { memory: 768 * MI } };
    const ran = { requests: { cpu: 1, memory: GI }, limits: {} };
    const stuck = (name: string) =>
      cartPod(name, {
        containers: [aPodContainer('main', { ...asked, actual: ran })],
        resize: { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW - 5 },
      });
    world.setPods(stuck('cart-1'), stuck('cart-2'));
    const full = aNode('node-a', { cpu: 2, memory: 2 * GI });
    world.cluster.requested.set('node-a', { cpu: 9, memory: 9 * GI });
    const free = aNode('control-plane-0', { cpu: 8, memory: 8 * GI }, { taints: [CONTROL_PLANE] });
    world.cluster.machines = [full, free];
    await world.reconcile();
    await world.reconcile();
    assert.equal(world.state, 'Held:NoNodeHasRoom');
    world.cluster.machines = [full, { ...free, taints: [] }];
    await world.reconcile();
    assert.deepEqual(world.told().at(-1), 'evict cart-1');
  });

  it('are not the largest node, but for what a node says of itself for a while', async () => {
    const clamped = async (key: string) => {
      const world = new ActingWorld();
      const taint = { key, value: '', effect: 'NoSchedule' } as const;
      world.cluster.machines = [
        aNode('small', { cpu: 4, memory: 64 * MI }),
        aNode('large', { cpu: 4, memory: 8 * GI }, { taints: [taint] }),
      ];
      await world.reconcile();
      return world.target?.memory;
    };
    assert.equal(await clamped(CONTROL_PLANE.key), '64Mi');
    assert.equal(await clamped('node.kubernetes.io/not-ready'), '113Mi');
  });
});
