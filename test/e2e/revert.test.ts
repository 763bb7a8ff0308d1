// `rightsize revert` as a user runs it, on real pods that were resized as the operator does.
//   test/cluster/run.sh mocha test/e2e/revert.test.ts
import assert from 'node:assert/strict';
import { FIELD_MANAGER, GROUP, PLURALS, TEMPLATE_FIELD_MANAGER } from '../../src/api/group.ts';
import {
  installAdmission,
  recommend,
  settled,
  uninstallAdmission,
  type Resources,
} from '../support/admission.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  installKinds,
  kubectl,
  until,
} from '../support/cluster.ts';
import { rightsize, startRightsize } from '../support/rightsize.ts';
import { policy } from '../support/scene.ts';

const TEMPLATE: Resources = {
  requests: { cpu: '40m', memory: '24Mi' },
  limits: { memory: '48Mi' },
};
const SIZED: Resources = { requests: { cpu: '80m', memory: '32Mi' }, limits: { memory: '64Mi' } };
const SLEEP = ['-c', 'trap "exit 0" TERM; sleep 3600 & wait'];
/** Once told to, holds more memory than the template's limit allows. */
const HOARD = [
  '-c',
  'until [ -e /tmp/go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/shm/hoard bs=1M count=56; sleep 3600',
];
const ROOMY: Resources = { ...TEMPLATE, limits: { memory: '128Mi' } };

interface SeenContainer {
  readonly name: string;
  readonly restartCount: number;
  readonly resources?: Resources;
}
interface SeenPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly SeenContainer[];
  };
}

interface Report {
  readonly workloads: readonly {
    readonly name: string;
    readonly newPods?: string;
    readonly pods: readonly { readonly outcome: string }[];
  }[];
}

describe('rightsize revert', function () {
  this.timeout(180_000);
  let namespace: string;
  const connection = directConnection();

  before(async () => {
    namespace = await createNamespace('e2e-revert');
    await installKinds();
    await apply(
      deployment('web', 2),
      deployment('calm', 1),
      deployment('hoard', 1, { args: HOARD }),
      deployment('tight', 1, { resources: { ...TEMPLATE, limits: {} } }),
    );
    for (const app of ['web', 'calm', 'hoard', 'tight']) await running(app);
  });

  after(async () => {
    await deleteNamespace(namespace);
    await connection.close();
  });

  const inNamespace = (...args: readonly string[]) => kubectl('-n', namespace, ...args);
  const workload = (name: string) => `--workload=${namespace}/Deployment/${name}`;

  function deployment(
    name: string,
    replicas: number,
    {
      args = SLEEP,
      resources = TEMPLATE,
    }: { args?: readonly string[]; resources?: Resources } = {},
  ): object {
    const main = { name: 'main', image: 'localhost/busybox:1', imagePullPolicy: 'Never' };
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ ...main, args, resources }],
          },
        },
      },
    };
  }

  async function pods(app: string): Promise<readonly SeenPod[]> {
    const text = await inNamespace('get', 'pods', '-l', `app=${app}`, '-o', 'json');
    return (JSON.parse(text) as { readonly items: readonly SeenPod[] }).items;
  }

  async function running(app: string): Promise<void> {
    await until(60_000, async () => {
      for (const { status } of await pods(app)) {
        assert.equal(status.phase, 'Running');
        assert.notEqual(status.containerStatuses?.[0]?.resources, undefined);
      }
      assert.notEqual((await pods(app)).length, 0);
    });
  }

  /** What the cgroups have, by the kubelet, of each pod of the app. */
  async function actual(app: string): Promise<readonly (Resources | undefined)[]> {
    return (await pods(app)).map(({ status }) => status.containerStatuses?.[0]?.resources);
  }

  async function restarts(app: string): Promise<number> {
    const counts = (await pods(app)).map(
      ({ status }) => status.containerStatuses?.[0]?.restartCount,
    );
    return counts.reduce<number>((sum, count = 0) => sum + count, 0);
  }

  /** Resizes all pods of the app as the operator does, and waits until they run so. */
  async function resize(app: string, to: Resources): Promise<void> {
    const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources: to }] } });
    for (const { metadata } of await pods(app)) {
      const how = ['--subresource=resize', `--field-manager=${FIELD_MANAGER}`, '-p', patch];
      await inNamespace('patch', 'pod', metadata.name, ...how);
    }
    await until(30_000, async () => {
      for (const each of await actual(app)) {
        assert.deepEqual(each?.requests, to.requests);
        assert.deepEqual(each?.limits, to.limits);
      }
    });
  }

  const uids = async (app: string) => (await pods(app)).map(({ metadata }) => metadata.uid);

  it('changes nothing without --yes, and says what to run', async () => {
    await resize('web', SIZED);
    const { code, stdout, stderr } = await rightsize(['revert', '--namespace', namespace]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${namespace}/Deployment/web\n`));
    const line =
      /^ {2}pod web-\S+: main: cpu request 80m -> 40m, memory request 32Mi -> 24Mi, memory limit 64Mi -> 48Mi$/gm;
    assert.equal(stdout.match(line)?.length, 2, stdout);
    assert.match(
      stderr,
      new RegExp(
        `nothing was changed; to do it: rightsize revert --namespace ${namespace} --yes\n$`,
      ),
    );
    assert.deepEqual(await actual('web'), [SIZED, SIZED]);
  });

  it('puts pods back in place, without a restart', async () => {
    const before = await uids('web');
    const { code, stdout, stderr } = await rightsize(['revert', '--namespace', namespace, '--yes']);
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/: back$/gm)?.length, 2, stdout);
    assert.match(stderr, /^2 pods put back in place, 0 not$/m);
    assert.deepEqual(await actual('web'), [TEMPLATE, TEMPLATE]);
    assert.deepEqual(await uids('web'), before);
    assert.equal(await restarts('web'), 0);
  });

  it('has nothing to put back the second time', async () => {
    const { code, stdout, stderr } = await rightsize(['revert', '-n', namespace, '--yes']);
    assert.equal(code, 0);
    assert.equal(stdout, '');
    assert.equal(stderr, 'nothing to put back\n');
  });

  it('puts back what admission sized, which the Recommendation tells', async () => {
    const target = { kind: 'Deployment', name: 'calm' };
    await installAdmission();
    try {
      await recommend(connection, namespace, target, { main: SIZED });
      await settled(connection, namespace);
      await inNamespace('delete', 'pods', '-l', 'app=calm');
      await until(30_000, async () => assert.deepEqual(await actual('calm'), [SIZED]));
      const { code, stdout, stderr } = await rightsize([
        'revert',
        '-n',
        namespace,
        '--yes',
        '-o',
        'json',
      ]);
      assert.equal(code, 0, stderr);
      const [found, ...others] = (JSON.parse(stdout) as Report).workloads;
      assert.equal(others.length, 0);
      assert.equal(found?.name, 'calm');
      assert.deepEqual(
        found.pods.map(({ outcome }) => outcome),
        ['Back'],
      );
      // There is no operator here that would withdraw it.
      assert.match(found.newPods ?? '', /label recommendation deployment-calm .*admission-$/);
      assert.deepEqual(await actual('calm'), [TEMPLATE]);
      assert.equal(await restarts('calm'), 0);
    } finally {
      await uninstallAdmission();
      await inNamespace('delete', 'recommendations', '--all');
    }
  });

  it('refuses a workload that a policy would size again, and names the policy', async () => {
    await resize('web', SIZED);
    await apply(policy(namespace, 'acting', { mode: 'InPlace' }));
    const { code, stdout, stderr } = await rightsize(['revert', workload('web'), '--yes']);
    assert.equal(code, 1, stderr);
    assert.match(
      stdout,
      /refused: RightsizePolicy acting \(mode InPlace\) would size it again at once: add --suspend/,
    );
    assert.deepEqual(await actual('web'), [SIZED, SIZED]);
  });

  it('suspends it first with --suspend, and says how to lift that', async () => {
    const dry = await rightsize(['revert', workload('web'), '--suspend']);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stderr, /1 workload would be suspended/);
    assert.equal(await annotation(), '');
    const { code, stderr } = await rightsize(['revert', workload('web'), '--suspend', '--yes']);
    assert.equal(code, 0, stderr);
    assert.equal(await annotation(), 'true');
    assert.match(
      stderr,
      new RegExp(
        `^ {2}kubectl -n ${namespace} annotate deployment web rightsize.dev/suspend-$`,
        'm',
      ),
    );
    assert.deepEqual(await actual('web'), [TEMPLATE, TEMPLATE]);
    assert.equal(await restarts('web'), 0);
    await inNamespace('annotate', 'deployment', 'web', 'rightsize.dev/suspend-');
    await inNamespace('delete', 'rightsizepolicy', 'acting');
  });

  const annotation = () =>
    inNamespace(
      ...['get', 'deployment', 'web', '-o'],
      'jsonpath={.metadata.annotations.rightsize\\.dev/suspend}',
    );

  it('ends with exit code 130 when it is interrupted while a pod is waited for', async () => {
    await resize('hoard', ROOMY);
    await inNamespace('exec', 'deploy/hoard', '--', 'touch', '/tmp/go');
    await until(30_000, async () => {
      const size = await inNamespace('exec', 'deploy/hoard', '--', 'wc', '-c', '/dev/shm/hoard');
      assert.ok(size.startsWith(String(56 * 2 ** 20)), size);
    });
    const command = startRightsize(['revert', workload('hoard'), '--yes']);
    await until(20_000, async () =>
      assert.equal(await inNamespace(...asked('hoard', 'limits.memory')), '48Mi'),
    );
    const told = performance.now();
    command.signal('SIGINT');
    const { code, stdout, stderr } = await command.done;
    assert.equal(code, 130, stderr);
    assert.ok(performance.now() - told < 5_000);
    assert.match(stdout, /not back: asked for, and not waited for to the end$/m);
    assert.match(stderr, /^interrupted; what was reached is above; the rest was not changed$/m);
  });

  it('names a pod that uses more than its template allows, and puts back the others', async () => {
    await resize('web', SIZED);
    const { code, stderr } = await rightsize(['revert', '--namespace', namespace, '--yes']);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^not back: \S+\/Deployment\/hoard: pod hoard-\S+: Error: .*below current usage/m,
    );
    assert.match(stderr, /^2 pods put back in place, 1 not$/m);
    assert.deepEqual(await actual('web'), [TEMPLATE, TEMPLATE]);
    assert.deepEqual(await actual('hoard'), [ROOMY]);
    assert.equal((await restarts('web')) + (await restarts('hoard')), 0);
    await inNamespace('delete', 'deployment', 'hoard');
  });

  /** Of the one pod of the app. */
  const asked = (app: string, field: string) => [
    ...['get', 'pods', '-l', `app=${app}`, '-o'],
    `jsonpath={.items[*].spec.containers[0].resources.${field}}`,
  ];

  it('names what only a new pod would have', async () => {
    await resize('tight', SIZED);
    const { code, stderr } = await rightsize(['revert', workload('tight'), '--yes']);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^not back: .*needs a new pod: main: the template has no memory limit, which cannot be taken away in place$/m,
    );
    const [has] = await actual('tight');
    assert.deepEqual(has, { ...TEMPLATE, limits: { memory: '64Mi' } });
  });

  it('gives back what was stated in a template', async () => {
    const stated = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'calm' },
      spec: {
        template: {
          spec: { containers: [{ name: 'main', resources: { limits: { cpu: '300m' } } }] },
        },
      },
    };
    await connection.request({
      method: 'PATCH',
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/calm`,
      query: { fieldManager: TEMPLATE_FIELD_MANAGER },
      contentType: 'application/apply-patch+yaml',
      body: stated,
    });
    const cpu = () =>
      inNamespace(
        ...['get', 'deployment', 'calm', '-o'],
        'jsonpath={.spec.template.spec.containers[0].resources.limits.cpu}',
      );
    assert.equal(await cpu(), '300m');
    const dry = await rightsize(['revert', workload('calm')]);
    assert.match(dry.stdout, /template: to be given back/);
    assert.equal(await cpu(), '300m');
    const { code, stderr } = await rightsize(['revert', workload('calm'), '--yes']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /1 template given back/);
    assert.equal(await cpu(), '');
  });

  const bad: Readonly<Record<string, { args: readonly string[]; want: RegExp }>> = {
    'nothing chosen': { args: [], want: /say what to put back/ },
    'everything and a part of it': { args: ['--all', '-n', 'shop'], want: /--all goes alone/ },
    'a workload that is not written as one': {
      args: ['--workload', 'cart'],
      want: /write NAMESPACE\/KIND\/NAME/,
    },
    'a kind that is not sized': {
      args: ['--workload', 'shop/ReplicaSet/cart'],
      want: /kind "ReplicaSet" is not sized/,
    },
    'a workload that is not there': {
      args: ['--workload', 'default/Deployment/no-such'],
      want: /there is no such workload/,
    },
    'a namespace that is not there': {
      args: ['--namespace', 'no-such'],
      want: /there is no such namespace/,
    },
    'a kubeconfig that is not there': {
      args: ['--all', '--kubeconfig', '/no/such/file'],
      want: /\/no\/such\/file/,
    },
  };

  for (const [title, { args, want }] of Object.entries(bad)) {
    it(`answers ${title} with one line and exit code 2`, async () => {
      const { code, stdout, stderr } = await rightsize(['revert', ...args]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, want);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    });
  }

  it('puts back all in the order that docs/install.md tells', async function () {
    // On a cluster that is not the tests' own these would suspend and put back all of it.
    if (process.env['RIGHTSIZE_CLUSTER_DIR'] === undefined) this.skip();
    await resize('web', SIZED);
    await apply(policy(namespace, 'acting', { mode: 'InPlace' }));
    for (const kind of ['rightsizepolicies --all-namespaces', 'clusterrightsizepolicies']) {
      const flags = ['--all', '--overwrite', `${GROUP}/suspend=true`];
      await kubectl('annotate', ...kind.split(' '), ...flags);
    }
    const { stderr } = await rightsize(['revert', '--all', '--yes']);
    assert.match(stderr, /^2 pods put back in place, 1 not$/m);
    assert.deepEqual(await actual('web'), [TEMPLATE, TEMPLATE]);
    await kubectl('delete', '--ignore-not-found', '-k', 'deploy/components/admission');
  });

  it('works by field managers alone where the kinds are not installed', async function () {
    // On a cluster that is not the tests' own this would delete every policy there.
    if (process.env['RIGHTSIZE_CLUSTER_DIR'] === undefined) this.skip();
    const definitions = Object.values(PLURALS).map((plural) => `crd/${plural}.${GROUP}`);
    await kubectl('delete', ...definitions, '--wait=true');
    await resize('web', SIZED);
    const { code, stderr } = await rightsize(['revert', '--all', '--yes']);
    assert.match(stderr, /^2 pods put back in place/m);
    assert.equal(code, 1, 'tight still needs a new pod');
    assert.deepEqual(await actual('web'), [TEMPLATE, TEMPLATE]);
  });
});
