// What deploy/ installs, on a real API server: that it is accepted, and what the operator may do then.
//   test/cluster/run.sh mocha test/cluster/rbac.test.ts
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { API_VERSION } from '../../src/api/group.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import { manifests, operatorToken } from '../support/installation.ts';

const run = promisify(execFile);

const ANSWER = 'jsonpath={.status.allowed}{"\\n"}';

interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
}

/** `get deployments.apps in shop`, `patch pods/resize in shop`; without a namespace, in all of them. */
function access(text: string): Access {
  const [, verb = '', resource = '', group = '', subresource = '', namespace = ''] =
    /^(\w+) (\w+)(?:\.([\w.]+))?(?:\/(\w+))?(?: in (\S+))?$/.exec(text) ?? [];
  return { verb, group, resource, subresource, namespace };
}

/** Which of these the operator's ServiceAccount is allowed. */
async function allowed(account: string, texts: readonly string[]): Promise<readonly string[]> {
  const items = texts.map((text) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: account, resourceAttributes: access(text) },
  }));
  const child = run('kubectl', ['create', '-o', ANSWER, '-f', '-'], { timeout: 30_000 });
  child.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const { stdout } = await child;
  const answers = stdout.trim().split('\n');
  assert.equal(answers.length, texts.length);
  return texts.filter((_, index) => answers[index] === 'true');
}

const combine = (verbs: readonly string[], resources: readonly string[]): readonly string[] =>
  resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`));

const READ = ['get', 'list', 'watch'];
const WORKLOADS = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'cronjobs.batch'];

const NAMESPACED_READ_TIER: readonly string[] = [
  ...combine(READ, [
    'pods',
    'limitranges',
    'resourcequotas',
    ...WORKLOADS,
    'replicasets.apps',
    'jobs.batch',
    'horizontalpodautoscalers.autoscaling',
    'verticalpodautoscalers.autoscaling.k8s.io',
    'rollouts.argoproj.io',
    'rightsizepolicies.rightsize.dev',
    'recommendations.rightsize.dev',
  ]),
  ...combine(['create', 'patch', 'delete'], ['recommendations.rightsize.dev']),
  ...combine(
    ['patch'],
    ['rightsizepolicies.rightsize.dev/status', 'recommendations.rightsize.dev/status'],
  ),
  ...combine(['create', 'patch'], ['events.events.k8s.io']),
];

const CLUSTER_READ_TIER: readonly string[] = [
  ...combine(READ, ['nodes', 'namespaces', 'clusterrightsizepolicies.rightsize.dev']),
  ...combine(['patch'], ['clusterrightsizepolicies.rightsize.dev/status']),
];

const RESIZE_TIER = ['patch pods/resize'];
const WORKLOADS_TIER = [
  'create pods/eviction',
  ...combine(['patch'], [...WORKLOADS, 'rollouts.argoproj.io']),
];

const NEVER: readonly string[] = [
  ...combine([...READ, 'create', 'patch', 'update', 'delete'], ['secrets']),
  ...combine(['create', 'patch', 'update', 'delete'], ['pods', 'nodes', 'namespaces']),
  ...combine(['create', 'update', 'delete'], [...WORKLOADS, 'rollouts.argoproj.io']),
  ...combine(['create', 'patch', 'update', 'delete'], ['rightsizepolicies.rightsize.dev']),
  ...combine(['create', 'patch', 'update', 'delete'], ['clusterrightsizepolicies.rightsize.dev']),
  ...combine(['create'], ['pods/exec', 'pods/binding', 'serviceaccounts/token']),
  ...combine(['update'], ['recommendations.rightsize.dev', 'recommendations.rightsize.dev/status']),
  ...combine(['get'], ['pods/log', 'configmaps', 'nodes/proxy']),
  ...combine(
    ['get', 'list', 'create', 'patch', 'delete'],
    ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'].map(
      (plural) => `${plural}.admissionregistration.k8s.io`,
    ),
  ),
  ...combine(['create', 'patch'], ['customresourcedefinitions.apiextensions.k8s.io']),
  ...combine(
    ['create', 'patch', 'bind', 'escalate'],
    ['clusterroles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io'],
  ),
  'impersonate serviceaccounts',
  ...combine(['get', 'create', 'update'], ['leases.coordination.k8s.io']),
  '* *',
];

const EVERYTHING = [
  ...NAMESPACED_READ_TIER,
  ...CLUSTER_READ_TIER,
  ...RESIZE_TIER,
  ...WORKLOADS_TIER,
  ...NEVER,
];

const inNamespace = (namespace: string, texts: readonly string[]): readonly string[] =>
  texts.map((text) => `${text} in ${namespace}`);

const STATUS = 'jsonpath={.status.mode}';
const REASON = 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}';
/** There is no Prometheus here: rights are what is looked at. */
const UNREACHABLE = 'PrometheusUnreachable';

function policyAndWorkload(namespace: string, name: string): readonly object[] {
  const labels = { app: name };
  const spec = { containers: [{ name: 'web', image: 'localhost/busybox:1' }] };
  return [
    {
      apiVersion: API_VERSION,
      kind: 'RightsizePolicy',
      metadata: { name: 'all', namespace },
      spec: {},
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
      },
    },
  ];
}

/** Runs the operator with the token of its ServiceAccount while `act` runs; answers with what it logged. */
async function withOperator(
  namespace: string,
  watched: readonly string[],
  act: () => Promise<void>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'operator-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const admin = await kubectl('config', 'view', '--raw', '--minify', '-o', 'json');
  const config = JSON.parse(admin) as { users: readonly { name: string }[] };
  const token = await operatorToken(namespace);
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  await writeFile(kubeconfig, JSON.stringify({ ...config, users }), { mode: 0o600 });
  const operator = spawn(
    process.execPath,
    [
      'src/main.ts',
      'operator',
      `--kubeconfig=${kubeconfig}`,
      `--lease-namespace=${namespace}`,
      '--prometheus-url=http://127.0.0.1:9',
      '--metrics-address=127.0.0.1:0',
      ...watched.map((name) => `--namespace=${name}`),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log: Buffer[] = [];
  operator.stdout.on('data', (chunk: Buffer) => log.push(chunk));
  operator.stderr.on('data', (chunk: Buffer) => log.push(chunk));
  const ended = once(operator, 'exit', { signal: AbortSignal.timeout(50_000) });
  try {
    await act();
  } finally {
    operator.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
  const text = Buffer.concat(log).toString();
  assert.deepEqual(await ended, [0, null], text);
  return text;
}

describe('the installation', function () {
  this.timeout(60_000);
  const name = `rbac-${process.pid}`;
  const watched = `${name}-shop`;

  const installations = {
    'for the cluster': { overlay: 'cluster', namespace: name },
    'for the cluster, with both write tiers': {
      overlay: 'cluster',
      namespace: `${name}-write`,
      components: ['cluster-resize', 'cluster-workloads'],
    },
    'for one namespace': { overlay: 'namespace', namespace: `${name}-one`, watched },
    'for one namespace, with both write tiers': {
      overlay: 'namespace',
      namespace: `${name}-one-write`,
      watched,
      components: ['namespace-resize', 'namespace-workloads'],
    },
  } as const;

  const wantAllowed: Readonly<Record<keyof typeof installations, readonly string[]>> = {
    'for the cluster': [...NAMESPACED_READ_TIER, ...CLUSTER_READ_TIER],
    'for the cluster, with both write tiers': [
      ...NAMESPACED_READ_TIER,
      ...CLUSTER_READ_TIER,
      ...RESIZE_TIER,
      ...WORKLOADS_TIER,
    ],
    'for one namespace': inNamespace(watched, NAMESPACED_READ_TIER),
    'for one namespace, with both write tiers': inNamespace(watched, [
      ...NAMESPACED_READ_TIER,
      ...RESIZE_TIER,
      ...WORKLOADS_TIER,
    ]),
  };

  before(async () => {
    await kubectl('create', 'namespace', watched);
  });

  after(async () => {
    const namespaces = Object.values(installations).map(({ namespace }) => namespace);
    await kubectl('delete', 'namespace', watched, ...namespaces, '--wait=false');
    const roles = await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name');
    const ours = roles.split('\n').filter((role) => role.includes(`/${name}-`));
    await kubectl('delete', ...ours);
  });

  for (const title of Object.keys(installations) as readonly (keyof typeof installations)[]) {
    describe(title, () => {
      const installation = installations[title];
      const { overlay, namespace } = installation;
      const account = `system:serviceaccount:${namespace}:rightsize`;

      it('is accepted as a whole', async () => {
        const objects = await manifests(installation);
        assert.ok(objects.some(({ kind }) => kind === 'CustomResourceDefinition'));
        // No pod is wanted here: the image is not there.
        const idle = objects.map((object) =>
          object.kind === 'Deployment'
            ? { ...object, spec: { ...object.spec, replicas: 0 } }
            : object,
        );
        await apply(...idle);
      });

      it('allows what its tiers say and nothing else', async () => {
        const asked = overlay === 'cluster' ? EVERYTHING : inNamespace(watched, EVERYTHING);
        assert.deepEqual(
          [...(await allowed(account, asked))].sort(),
          [...wantAllowed[title]].sort(),
        );
      });

      it('allows a Lease in its own namespace only', async () => {
        const leases = combine([...READ, 'create', 'update'], ['leases.coordination.k8s.io']);
        const own = inNamespace(namespace, leases);
        const others = inNamespace(watched, leases);
        assert.deepEqual(await allowed(account, [...own, ...others]), own);
      });
    });
  }

  describe('when it is there', () => {
    it('allows nothing in other namespaces when it is for one', async () => {
      const account = `system:serviceaccount:${name}-one-write:rightsize`;
      const elsewhere = inNamespace('default', EVERYTHING);
      assert.deepEqual(await allowed(account, [...EVERYTHING, ...elsewhere]), []);
    });

    it('gives the operator a token that works with exactly these rights', async () => {
      const token = `--token=${await operatorToken(name)}`;
      const server = await kubectl(
        'config',
        'view',
        '-o',
        'jsonpath={.clusters[0].cluster.server}',
      );
      const direct = [`--server=${server}`, '--insecure-skip-tls-verify', '--kubeconfig=/dev/null'];
      assert.equal(
        await kubectl(...direct, token, 'get', 'recommendations', '-A', '-o', 'name'),
        '',
      );
      await assert.rejects(
        kubectl(...direct, token, 'get', 'secrets', '-A'),
        /secrets is forbidden: User "system:serviceaccount:/,
      );
    });

    it('runs the operator under Pod Security restricted without a warning', async () => {
      const objects = await manifests({ overlay: 'cluster', namespace: name });
      const deployment = objects.find(({ kind }) => kind === 'Deployment');
      const { template } = deployment?.spec as { template: { metadata: object; spec: object } };
      const metadata = { ...template.metadata, name: 'operator', namespace: name };
      const pod = { apiVersion: 'v1', kind: 'Pod', ...template, metadata };
      const args = ['create', '--dry-run=server', '-o', 'name', '-f', '-'];
      const child = run('kubectl', args, { timeout: 15_000 });
      child.child.stdin?.end(JSON.stringify(pod));
      assert.deepEqual(await child, { stdout: 'pod/operator\n', stderr: '' });
    });

    it('refuses in its namespace a pod that is not restricted', async () => {
      const overrides = '--overrides={"spec":{"serviceAccountName":"rightsize"}}';
      await assert.rejects(
        kubectl('-n', name, 'run', 'root', '--image=any', '--dry-run=server', overrides),
        /violates PodSecurity "restricted:latest"/,
      );
    });
  });

  describe('without a write tier', () => {
    for (const title of ['for the cluster', 'for one namespace'] as const) {
      it(`lets the operator do its work ${title}`, async () => {
        const { overlay, namespace } = installations[title];
        const workload = `${overlay}-cart`;
        await apply(...policyAndWorkload(watched, workload));
        const log = await withOperator(
          namespace,
          overlay === 'cluster' ? [] : [watched],
          async () => {
            const found = ['-n', watched, 'get', 'rsrec', `deployment-${workload}`, '-o', STATUS];
            await until(30_000, async () => assert.equal(await kubectl(...found), 'Recommend'));
            const policy = ['-n', watched, 'get', 'rsp', 'all', '-o', REASON];
            await until(30_000, async () => assert.equal(await kubectl(...policy), UNREACHABLE));
          },
        );
        assert.doesNotMatch(log, /forbidden/i);
      });
    }
  });
});
