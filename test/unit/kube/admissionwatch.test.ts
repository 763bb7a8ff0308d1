import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdmissionWatch } from '../../../src/kube/admissionwatch.ts';
import { KubeConnection } from '../../../src/kube/connection.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import { until } from '../../support/cluster.ts';
import { LocalServer } from '../../support/local-server.ts';

/** What the server answers for a kind: a status, or the names that it has. */
type Has = number | readonly string[];

const POLICIES = 'mutatingadmissionpolicies';
const BINDINGS = 'mutatingadmissionpolicybindings';
const NAME = 'rightsize-admission';

describe('the watch for the admission policy', () => {
  let server: LocalServer;
  let connection: KubeConnection;
  let watch: AdmissionWatch;
  let states: string[];
  let changes: number;
  let folder = '';
  let has: Record<string, Has>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-admission-'));
    states = [];
    changes = 0;
    server = new LocalServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
      assert.equal(searchParams.get('fieldSelector'), `metadata.name=${NAME}`);
      const answer = has[pathname.split('/').at(-1) ?? ''] ?? 500;
      if (typeof answer === 'number') {
        response.writeHead(answer).end('{"message":"no"}');
        return;
      }
      // A watch stays open without an event.
      if (searchParams.has('watch')) {
        response.writeHead(200).flushHeaders();
        return;
      }
      const items = answer.map((name) => ({ metadata: { name } }));
      response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
    });
    const config = {
      clusters: [{ name: 'c', cluster: { server: await server.start() } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    const file = join(folder, 'config');
    writeFileSync(file, JSON.stringify(config));
    connection = new KubeConnection(() => loadKubeConfig(file));
    watch = new AdmissionWatch({
      connection,
      onChange: () => changes++,
      onState: (_, { kind }) => states.push(kind),
    });
  });
  afterEach(async () => {
    await watch.stop();
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('knows nothing before it has looked', () => {
    has = {};
    assert.deepEqual(watch.availability, { kind: 'Unknown' });
  });

  it('finds the policy and its binding', async () => {
    has = { [POLICIES]: [NAME], [BINDINGS]: [NAME] };
    watch.start();
    await until(5_000, () => assert.deepEqual(watch.availability, { kind: 'Installed' }));
    assert.equal(changes, 1);
  });

  const CASES: Readonly<Record<string, { policies: Has; bindings: Has; want: RegExp }>> = {
    'names the version of Kubernetes where the kind is not served': {
      policies: 404,
      bindings: 404,
      want: /does not serve mutatingadmissionpolicies\..* from 1\.36 on\.$/,
    },
    'names the right that is missing and what has it': {
      policies: 403,
      bindings: 403,
      want: /may not get, list and watch mutatingadmissionpolicies\..*; deploy\/components\/admission has/,
    },
    'names what installs a policy that is not there': {
      policies: [],
      bindings: [NAME],
      want: /mutatingadmissionpolicies\..* has no rightsize-admission; install it with kubectl apply/,
    },
    'misses the binding too': {
      policies: [NAME],
      bindings: [],
      want: /mutatingadmissionpolicybindings\..* has no rightsize-admission/,
    },
    'does not wait for ever for what cannot be read': {
      policies: 500,
      bindings: [NAME],
      want: /mutatingadmissionpolicies\..* cannot be read: /,
    },
  };
  for (const [title, { policies, bindings, want }] of Object.entries(CASES)) {
    it(title, async () => {
      has = { [POLICIES]: policies, [BINDINGS]: bindings };
      watch.start();
      await until(10_000, () => {
        const { availability } = watch;
        assert.ok(availability.kind === 'Unavailable');
        assert.match(availability.message, want);
      });
    }).timeout(15_000);
  }

  it('tells of a missing right as of a kind that is not served, as neither is a failure', async () => {
    has = { [POLICIES]: 403, [BINDINGS]: 403 };
    watch.start();
    await until(5_000, () =>
      assert.ok(states.filter((state) => state === 'NotServed').length >= 2),
    );
    assert.ok(!states.includes('Forbidden'));
  });
});
