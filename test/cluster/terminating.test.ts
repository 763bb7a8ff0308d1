// Writing into a namespace that is being deleted, on a real API server.
//   test/cluster/run.sh mocha test/cluster/terminating.test.ts
import assert from 'node:assert/strict';
import type { Workload } from '../../src/controller/ports.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { createWriter } from '../../src/kube/writer.ts';
import {
  apply,
  createNamespace,
  directConnection,
  installKinds,
  kubectl,
  until,
} from '../support/cluster.ts';

describe('a namespace that is being deleted', function () {
  this.timeout(60_000);
  const connection = directConnection();
  const errors: Error[] = [];
  let namespace = '';

  before(async () => {
    await installKinds();
    namespace = await createNamespace('terminating');
    const metadata = { name: 'keeps', namespace, finalizers: ['rightsize.dev/test'] };
    await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
    await kubectl('delete', 'namespace', namespace, '--wait=false');
  });

  after(async () => {
    const patch = ['patch', 'configmap', 'keeps', '--type=merge', '-p'];
    await kubectl('-n', namespace, ...patch, '{"metadata":{"finalizers":null}}');
    await connection.close();
  });

  const workloadIn = (of: string): Workload => ({
    ref: { namespace: of, kind: 'Deployment', name: 'cart' },
    apiVersion: 'apps/v1',
    uid: '00000000-0000-0000-0000-000000000001',
    createdSeconds: 0,
    labels: {},
    annotations: {},
    replicas: 1,
    isRollingOut: false,
    isReady: true,
    hasPodResources: false,
    containers: [],
  });

  async function write(of: string): Promise<void> {
    const writer = createWriter(connection);
    const { signal } = new AbortController();
    await writer.applyRecommendation(workloadIn(of), 'deployment-cart', 'Inactive', signal);
    const at = { namespace: of, name: 'deployment-cart' };
    await writer.applyRecommendationStatus(at, { mode: 'Recommend' }, signal);
    const events = new EventRecorder({
      connection,
      instance: 'test',
      onError: (error) => errors.push(error),
    });
    const { ref, apiVersion } = workloadIn(of);
    events.record({
      regarding: { apiVersion, ...ref },
      type: 'Normal',
      reason: 'Recommended',
      action: 'Recommend',
      note: 'see there',
    });
    await events.flush();
    assert.deepEqual(errors, []);
  }

  it('takes nothing any more, which is no error', async () => {
    await until(20_000, async () => {
      const phase = ['get', 'namespace', namespace, '-o', 'jsonpath={.status.phase}'];
      assert.equal(await kubectl(...phase), 'Terminating');
    });
    await write(namespace);
    assert.equal(await kubectl('-n', namespace, 'get', 'recommendations', '-o', 'name'), '');
  });

  it('is no error either when it is gone', async () => {
    await write('never-was');
  });
});
