// The demo on a cluster that is not its own: it takes away what it made, and nothing else.
//   test/cluster/run.sh mocha test/e2e/demo.test.ts
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { API_VERSION, GROUP, PLURALS } from '../../src/api/group.ts';
import { apply, installKinds, kubectl, until } from '../support/cluster.ts';

const DEMO = fileURLToPath(new URL('../demo/demo.ts', import.meta.url));

interface RunningDemo {
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
  readonly stop: () => void;
}

function startDemo(): RunningDemo {
  const child = spawn(process.execPath, [DEMO], {
    env: { ...process.env, DEMO: 'once', TRACES: '/nowhere' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 100_000,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { stderr: () => said, ended, stop: () => void child.kill('SIGINT') };
}

describe('the demo', function () {
  this.timeout(120_000);

  const definitions = () => kubectl('get', 'crd', '-o', 'name');

  async function leavesNothing(definitionsBefore: string): Promise<void> {
    const roles = await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name');
    assert.doesNotMatch(roles, /rightsize-demo/);
    assert.equal(await definitions(), definitionsBefore);
    if (definitionsBefore.includes(GROUP)) {
      const policies = await kubectl('get', PLURALS.ClusterRightsizePolicy, '-o', 'name');
      assert.doesNotMatch(policies, /economy/);
    }
    await until(60_000, async () => {
      const names = ['shop', 'data', 'tools', 'rightsize-demo'];
      assert.equal(
        await kubectl('get', 'namespaces', ...names, '--ignore-not-found', '-o', 'name'),
        '',
      );
    });
  }

  it('refuses where a namespace of its names is there, and leaves that alone', async () => {
    const before = await definitions();
    await kubectl('create', 'namespace', 'tools');
    try {
      const demo = startDemo();
      assert.equal(await demo.ended, 2, demo.stderr());
      assert.match(
        demo.stderr(),
        /namespaces that are not the demo's.*: tools; use another cluster/,
      );
      assert.equal(
        await kubectl('get', 'namespace', 'tools', '-o', 'jsonpath={.status.phase}'),
        'Active',
      );
    } finally {
      await kubectl('delete', 'namespace', 'tools');
    }
    await leavesNothing(before);
  });

  it('refuses where there are policies, and leaves them alone', async function () {
    // On a cluster that is not the tests' own nothing is installed that would have to be taken away again.
    const isOwn = process.env['RIGHTSIZE_CLUSTER_DIR'] !== undefined;
    if (isOwn) await installKinds();
    const definitionsBefore = await definitions();
    if (!isOwn && !definitionsBefore.includes(GROUP)) this.skip();
    const metadata = { name: 'economy' };
    await apply({ apiVersion: API_VERSION, kind: 'ClusterRightsizePolicy', metadata, spec: {} });
    try {
      const demo = startDemo();
      assert.equal(await demo.ended, 2, demo.stderr());
      assert.match(
        demo.stderr(),
        /its operator would follow: ClusterRightsizePolicy economy; delete/,
      );
    } finally {
      await kubectl('delete', PLURALS.ClusterRightsizePolicy, 'economy');
    }
    await leavesNothing(definitionsBefore);
  });

  for (const step of [
    'Installing the operator',
    'Creating 12 workloads',
    'Starting the operator',
  ]) {
    it(`leaves nothing when it is interrupted at "${step}"`, async () => {
      const before = await definitions();
      const demo = startDemo();
      await until(60_000, () => assert.ok(demo.stderr().includes(step), demo.stderr()));
      demo.stop();
      assert.equal(await demo.ended, 0, demo.stderr());
      assert.doesNotMatch(demo.stderr(), /clean up:|failed/);
      await leavesNothing(before);
    });
  }
});
