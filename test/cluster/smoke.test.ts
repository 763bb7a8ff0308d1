// The test cluster itself: what every other test here relies on.
//   test/cluster/run.sh mocha test/cluster/smoke.test.ts
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const namespace = `smoke-${process.pid}`;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('kubectl', [...args], { timeout: 15_000 });
  return stdout.trim();
}

function field(path: string): Promise<string> {
  return kubectl('-n', namespace, 'get', 'pod', 'box', '-o', `jsonpath=${path}`);
}

async function eventually(want: string, read: () => Promise<string>): Promise<void> {
  const deadline = Date.now() + 30_000;
  let got = await read();
  while (got !== want && Date.now() < deadline) {
    await delay(100);
    got = await read();
  }
  assert.equal(got, want);
}

function resources(cpu: string, memory: string): object {
  return { requests: { cpu, memory }, limits: { cpu, memory } };
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'box' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'main',
        image: 'localhost/busybox:1',
        imagePullPolicy: 'Never',
        command: ['sleep', '3600'],
        resources: resources('100m', '64Mi'),
      },
    ],
  },
};

describe('the test cluster', function () {
  this.timeout(60_000);

  before(async () => {
    await kubectl('create', 'namespace', namespace);
    await eventually('default', () =>
      kubectl('-n', namespace, 'get', 'sa', '-o', 'jsonpath={.items[*].metadata.name}'),
    );
  });

  after(async () => {
    await kubectl('delete', 'namespace', namespace, '--wait=false');
    await eventually('', () => kubectl('get', 'namespace', namespace, '--ignore-not-found'));
  });

  it('has a node that is Ready', async () => {
    const ready = '{.items[*].status.conditions[?(@.type=="Ready")].status}';
    assert.equal(await kubectl('get', 'nodes', '-o', `jsonpath=${ready}`), 'True');
  });

  it('runs a pod from an image that was not pulled', async () => {
    const created = run('kubectl', ['-n', namespace, 'create', '-f', '-'], { timeout: 15_000 });
    created.child.stdin?.end(JSON.stringify(pod));
    await created;
    await eventually('Running', () => field('{.status.phase}'));
  });

  it('resizes a running pod in place without restarting it', async () => {
    const containers = [{ name: 'main', resources: resources('200m', '96Mi') }];
    const patch = JSON.stringify({ spec: { containers } });
    await kubectl('-n', namespace, 'patch', 'pod', 'box', '--subresource=resize', '-p', patch);
    await eventually('200m 96Mi', () => {
      const limits = '{.status.containerStatuses[0].resources.limits';
      return field(`${limits}.cpu} ${limits}.memory}`);
    });
    assert.equal(await field('{.status.containerStatuses[0].restartCount}'), '0');
  });
});
