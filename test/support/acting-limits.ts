import assert from 'node:assert/strict';
import type { Scene } from './acting.ts';
import { isReady, within } from './acting-pods.ts';

/** With one item, for containers. */
export function limitRange(item: object): object {
  const limits = [{ type: 'Container', ...item }];
  return { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'limits' }, spec: { limits } };
}

/** One more pod of the Deployment is made, and runs. */
export async function assertCreatable(scene: Scene, name: string): Promise<void> {
  await scene.kubectl('scale', 'deployment', name, '--replicas=2');
  await within(40, async () => {
    assert.equal((await scene.pods(name)).filter(isReady).length, 2, `two pods of ${name}`);
  });
  await scene.kubectl('scale', 'deployment', name, '--replicas=1');
}
