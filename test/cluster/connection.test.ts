//   test/cluster/run.sh mocha test/cluster/connection.test.ts
import assert from 'node:assert/strict';
import { applyObject, applyStatus, deleteObject } from '../../src/kube/apply.ts';
import { KubeConnection } from '../../src/kube/connection.ts';
import { isKubeError } from '../../src/kube/errors.ts';
import { asJson, objectAt } from '../../src/kube/json.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { createNamespace, deleteNamespace, directConnection, kubectl } from '../support/cluster.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

describe('the connection to a real API server', () => {
  const connection = directConnection();
  let namespace = '';
  before(async () => {
    namespace = await createNamespace('connection');
  });
  after(async () => {
    await deleteNamespace(namespace);
    await connection.close();
  });

  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(ends.splice(0).map((end) => end()));
  });

  async function counted(options: ConstructorParameters<typeof KubeConnection>[1] = {}) {
    const { proxy, config } = await TcpProxy.before(loadKubeConfig());
    const through = new KubeConnection(() => config, options);
    ends.push(
      () => through.close(),
      () => proxy.stop(),
    );
    return { proxy, through };
  }

  const configMap = (name: string) => ({ apiVersion: 'v1', plural: 'configmaps', namespace, name });

  it('makes 200 calls one after the other over at most 4 TLS connections', async () => {
    const { proxy, through } = await counted({ rateLimit: { perSecond: 1000, burst: 1000 } });
    for (let call = 0; call < 200; call++) {
      await through.request({ method: 'GET', path: `/api/v1/namespaces/${namespace}` });
    }
    assert.ok(proxy.connections <= 4, `${proxy.connections} connections`);
  });

  it('goes on over a new connection after the idle one was closed', async () => {
    const { proxy, through } = await counted();
    const path = `/api/v1/namespaces/${namespace}`;
    await through.request({ method: 'GET', path });
    proxy.cut();
    assert.ok(await through.request({ method: 'GET', path }));
  });

  const refusals: Readonly<
    Record<string, { path: string; wantKind: string; wantMessage: RegExp }>
  > = {
    'an object that is not there': {
      path: '/api/v1/namespaces/default/configmaps/absent',
      wantKind: 'NotFound',
      wantMessage:
        /^GET \/api\/v1\/namespaces\/default\/configmaps\/absent: NotFound \(404\): configmaps "absent" not found$/,
    },
    'a kind that is not served': {
      path: '/apis/argoproj.io/v1alpha1/rollouts',
      wantKind: 'NotFound',
      wantMessage: /rollouts: NotFound \(404\): 404 page not found$/,
    },
  };
  for (const [what, { path, wantKind, wantMessage }] of Object.entries(refusals)) {
    it(`says ${wantKind} of ${what}`, async () => {
      await assert.rejects(connection.request({ method: 'GET', path }), {
        kind: wantKind,
        message: wantMessage,
      });
    });
  }

  it('applies, changes and deletes an object as its own field manager', async () => {
    const at = configMap('applied');
    const object = {
      kind: 'ConfigMap',
      metadata: { name: at.name, namespace },
      data: { a: '1', b: '2' },
    };
    await applyObject(connection, at, object, { conflicts: 'Keep' });
    await applyObject(connection, at, { ...object, data: { a: '3' } }, { conflicts: 'Keep' });
    const stored = await kubectl('get', 'cm', at.name, '-n', namespace, '-o', 'jsonpath={.data}');
    assert.deepEqual(JSON.parse(stored), { a: '3' });
    await deleteObject(connection, at);
    await deleteObject(connection, at);
    assert.equal(
      await kubectl('get', 'cm', '-n', namespace, '-o', 'name', '--ignore-not-found', at.name),
      '',
    );
  });

  it('keeps fields of other managers unless it is told to force', async () => {
    const at = configMap('contested');
    await kubectl('create', 'cm', at.name, '-n', namespace, '--from-literal=a=theirs');
    const object = {
      kind: 'ConfigMap',
      metadata: { name: at.name, namespace },
      data: { a: 'ours' },
    };
    await assert.rejects(applyObject(connection, at, object, { conflicts: 'Keep' }), (thrown) =>
      isKubeError(thrown, 'Conflict'),
    );
    const after = await applyObject(connection, at, object, { conflicts: 'Force' });
    assert.equal(objectAt(after, 'data')['a'], 'ours');
  });

  it('changes nothing in a dry run', async () => {
    const at = configMap('dry');
    const object = { kind: 'ConfigMap', metadata: { name: at.name, namespace }, data: {} };
    await applyObject(connection, at, object, { conflicts: 'Keep', dryRun: true });
    assert.equal(
      await kubectl('get', 'cm', '-n', namespace, '-o', 'name', '--ignore-not-found', at.name),
      '',
    );
  });

  it('applies the status without touching the rest', async () => {
    const at = { apiVersion: 'v1', plural: 'pods', namespace, name: 'statused' };
    const container = { name: 'main', image: 'none.invalid/none' };
    await applyObject(
      connection,
      at,
      {
        kind: 'Pod',
        metadata: { name: at.name, namespace },
        spec: { containers: [container], nodeSelector: { none: 'such' } },
      },
      { conflicts: 'Keep' },
    );
    const status = { conditions: [{ type: 'rightsize.dev/Test', status: 'True' }] };
    const body = { kind: 'Pod', metadata: { name: at.name, namespace }, status };
    const stored = asJson(await applyStatus(connection, at, body, { conflicts: 'Keep' }));
    assert.match(JSON.stringify(stored['status']), /rightsize\.dev\/Test/);
    assert.match(JSON.stringify(stored['spec']), /none\.invalid/);
  });

  it('deletes only the object with the stated uid', async () => {
    const at = configMap('other');
    await kubectl('create', 'cm', at.name, '-n', namespace);
    await deleteObject(connection, at, { uid: '00000000-0000-0000-0000-000000000000' });
    assert.equal(
      await kubectl('get', 'cm', '-n', namespace, '-o', 'name', at.name),
      'configmap/other',
    );
  });
});
