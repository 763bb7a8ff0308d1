import assert from 'node:assert/strict';
import type { Pod } from '../../../src/controller/ports.ts';
import { NodeRequests } from '../../../src/kube/noderequests.ts';
import { aPod, aPodContainer } from '../controller/memorycluster.ts';

const sizes = (cpu: number, memory = 100) => ({ requests: { cpu, memory }, limits: {} });
const pod = (name: string, cpu: number, change: Partial<Pod> = {}): Pod =>
  aPod(name, { containers: [aPodContainer('main', sizes(cpu))], ...change });
const key = 'shop/a';

describe('what pods request of nodes', () => {
  let requests: NodeRequests;
  const added = (item: Pod) => requests.podChanged({ kind: 'Added', key, item });
  const cpu = (node = 'node-a') => requests.byNode.get(node)?.cpu;

  beforeEach(() => {
    requests = new NodeRequests();
  });

  it('adds up node by node', () => {
    added(pod('a', 0.1));
    added(pod('b', 0.2));
    added(pod('c', 1, { node: 'node-b' }));
    assert.deepEqual(requests.byNode.get('node-a'), { cpu: 0.3, memory: 200 });
    assert.equal(cpu('node-b'), 1);
  });

  it('follows a pod that is bound, resized, ends and goes', () => {
    const [free, bound] = [pod('a', 1, { node: undefined }), pod('a', 1)];
    added(free);
    assert.equal(cpu(), undefined);
    requests.podChanged({ kind: 'Updated', key, before: free, item: bound });
    assert.equal(cpu(), 1);
    const more = pod('a', 2);
    requests.podChanged({ kind: 'Updated', key, before: bound, item: more });
    assert.equal(cpu(), 2);
    const ended = pod('a', 2, { hasEnded: true });
    requests.podChanged({ kind: 'Updated', key, before: more, item: ended });
    assert.equal(cpu(), undefined);
    requests.podChanged({ kind: 'Deleted', key, before: ended });
    assert.equal(requests.byNode.size, 0);
  });

  it('counts the more of what is asked for and what is there, unless it can never be had', () => {
    const resized = [aPodContainer('main', { ...sizes(3), actual: sizes(1) })];
    added(pod('a', 0, { containers: resized }));
    assert.equal(cpu(), 3);
    const resize = { state: 'Infeasible', message: '', sinceSeconds: 0 } as const;
    added(pod('b', 0, { containers: resized, resize, node: 'node-b' }));
    assert.equal(cpu('node-b'), 1);
  });

  it('counts the largest init container where that is more', () => {
    added(
      pod('a', 1, {
        initContainers: [
          { name: 'one', ...sizes(2) },
          { name: 'two', ...sizes(5) },
        ],
      }),
    );
    assert.equal(cpu(), 5);
  });
});
