// What deploy/overlays/shards installs, on a real API server.
//   test/cluster/run.sh mocha test/cluster/shardsoverlay.test.ts
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { shardOf, withShardFlags, type ShardFlags } from '../../src/cli/shardflags.ts';
import { apply, kubectl } from '../support/cluster.ts';
import { manifests, uninstall } from '../support/installation.ts';

const run = promisify(execFile);

interface StatefulSetSpec {
  readonly replicas: number;
  readonly template: {
    readonly metadata: object;
    readonly spec: {
      readonly containers: readonly {
        readonly args: readonly string[];
        readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
      }[];
    };
  };
  readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[];
}

describe('the overlay of shards', function () {
  this.timeout(60_000);
  const namespace = `shards-overlay-${process.pid}`;
  let objects: Awaited<ReturnType<typeof manifests>>;
  let spec: StatefulSetSpec;

  before(async () => {
    objects = await manifests({ overlay: 'shards', namespace });
    const set = objects.find(({ kind }) => kind === 'StatefulSet');
    spec = set?.spec as unknown as StatefulSetSpec;
  });
  after(() => uninstall(namespace));

  it('is accepted as a whole, under Pod Security restricted without a warning', async () => {
    // No pod is wanted here: the image is not there.
    await apply(
      ...objects.map((object) =>
        object.kind === 'StatefulSet'
          ? { ...object, spec: { ...object.spec, replicas: 0 } }
          : object,
      ),
    );
    const metadata = { ...spec.template.metadata, name: 'rightsize-0', namespace };
    // As the controller of StatefulSets adds them.
    const volumes = spec.volumeClaimTemplates.map(({ metadata: { name } }) => ({
      name,
      persistentVolumeClaim: { claimName: `${name}-rightsize-0` },
    }));
    const podSpec = { ...spec.template.spec, volumes };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec };
    const args = ['create', '--dry-run=server', '-o', 'name', '-f', '-'];
    const child = run('kubectl', args, { timeout: 15_000 });
    child.child.stdin?.end(JSON.stringify(pod));
    assert.deepEqual(await child, { stdout: 'pod/rightsize-0\n', stderr: '' });
  });

  it('gives each of its pods a shard, and each shard a pod', () => {
    const args = spec.template.spec.containers[0]?.args ?? [];
    const flags = withShardFlags(new Command().allowUnknownOption().allowExcessArguments())
      .parse([...args], { from: 'user' })
      .opts<ShardFlags>();
    const shards = Array.from({ length: spec.replicas }, (_, i) =>
      shardOf(flags, `rightsize-${i}`),
    );
    assert.deepEqual(
      shards,
      Array.from({ length: spec.replicas }, (_, index) => ({ index, shards: spec.replicas })),
    );
    assert.ok(spec.replicas > 1);
  });

  it('keeps the usage of each shard on a volume of its own', () => {
    const [operator] = spec.template.spec.containers;
    const folder = operator?.args.find((arg) => arg.startsWith('--state-dir='))?.split('=')[1];
    const mount = operator?.volumeMounts.find(({ mountPath }) => mountPath === folder);
    assert.ok(mount !== undefined, `nothing is mounted at ${folder}`);
    assert.deepEqual(
      spec.volumeClaimTemplates.map(({ metadata: { name } }) => name),
      [mount.name],
    );
  });

  it('leaves no Deployment that would wait for the shards for ever, and lets one pod go at a time', async () => {
    assert.ok(objects.every(({ kind }) => kind !== 'Deployment'));
    const budget = await kubectl('-n', namespace, 'get', 'pdb', 'rightsize', '-o', 'json');
    const { maxUnavailable, minAvailable } = (
      JSON.parse(budget) as { spec: { maxUnavailable?: number; minAvailable?: number } }
    ).spec;
    assert.deepEqual([maxUnavailable, minAvailable], [1, undefined]);
  });

  it('may read and write the Leases of its shards, in its own namespace only', async () => {
    const account = `system:serviceaccount:${namespace}:rightsize`;
    const can = (verb: string, where: string) =>
      run('kubectl', ['auth', 'can-i', verb, 'leases', '-n', where, `--as=${account}`]).then(
        () => true,
        () => false,
      );
    for (const verb of ['list', 'get', 'create', 'update']) {
      assert.deepEqual([await can(verb, namespace), await can(verb, 'default')], [true, false]);
    }
  });
});
