// What `rightsize doctor` finds in a real cluster, by tier.
//   test/cluster/run.sh mocha test/cluster/doctor.test.ts
import assert from 'node:assert/strict';
import type { Finding } from '../../src/controller/finding.ts';
import { checkKubernetes } from '../../src/kube/checkup.ts';
import { createNamespace, deleteNamespace } from '../support/cluster.ts';
import { rightsize } from '../support/rightsize.ts';
import { install, uninstall } from '../support/installation.ts';
import { connectionAs, connectionOf } from '../support/serviceaccount.ts';
import { startStub } from '../support/stub-prometheus.ts';

type Found = ReadonlyMap<string, Finding>;

describe('rightsize doctor', function () {
  this.timeout(90_000);
  const { signal } = new AbortController();
  let namespace = '';
  before(async () => {
    namespace = await createNamespace('doctor');
  });
  after(() => deleteNamespace(namespace));

  async function examined(
    connection: Awaited<ReturnType<typeof connectionOf>>,
    within?: string,
    leaseNamespace?: string,
  ): Promise<Found> {
    try {
      const about = { namespace: within, leaseNamespace };
      const findings = await checkKubernetes({ connection, ...about, signal });
      return new Map(findings.map((finding) => [finding.check, finding]));
    } finally {
      await connection.close();
    }
  }

  const textOf = (found: Found, check: string): string => found.get(check)?.found ?? 'missing';

  it('finds an operator of the read tier fit, and says what it may not', async () => {
    const operator = `doctor-read-${process.pid}`;
    await install({ overlay: 'cluster', namespace: operator, components: [] });
    try {
      const found = await examined(await connectionOf(operator, 'rightsize'), undefined, operator);
      assert.match(textOf(found, 'leases'), /^granted/);
      assert.ok(
        [...found.values()].every(({ result }) => result === 'OK'),
        JSON.stringify([...found.values()]),
      );
      assert.match(textOf(found, 'version'), /^v1\.\d+/);
      assert.equal(textOf(found, 'in-place resize'), 'pods/resize is served');
      assert.match(textOf(found, 'read tier'), /^granted/);
      assert.match(textOf(found, 'resize tier'), /^this user may not patch pods\/resize/);
      assert.match(found.get('workloads tier')?.todo ?? '', /cluster-workloads/);
      assert.match(textOf(found, 'cluster reads'), /^granted/);
    } finally {
      await uninstall(operator);
    }
  });

  it('finds the tiers of an operator that has them', async () => {
    const operator = `doctor-all-${process.pid}`;
    await install({
      overlay: 'cluster',
      namespace: operator,
      components: ['cluster-resize', 'cluster-workloads'],
    });
    try {
      const found = await examined(await connectionOf(operator, 'rightsize'));
      for (const tier of ['resize tier', 'workloads tier']) {
        assert.match(textOf(found, tier), /^granted/);
      }
    } finally {
      await uninstall(operator);
    }
  });

  it('finds rights missing, in a namespace and in the cluster', async () => {
    const rules = [
      { apiGroups: [''], resources: ['pods', 'pods/eviction'], verbs: ['list', 'watch', 'create'] },
    ];
    const own = await examined(await connectionAs(namespace, 'pods-only', rules), namespace);
    assert.equal(own.get('read tier')?.result, 'FAIL');
    assert.match(textOf(own, 'read tier'), /^this user may not list limitranges, .* and \d+ more/);
    assert.equal(own.get('workloads tier')?.result, 'WARN', 'granted in part');
    assert.equal(own.get('cluster reads'), undefined);
    const all = await examined(await connectionOf(namespace, 'pods-only'), undefined, namespace);
    assert.equal(all.get('leases')?.result, 'FAIL');
    assert.match(textOf(all, 'leases'), /^this user may not get leases, .* and 1 more/);
    assert.match(all.get('leases')?.todo ?? '', /RoleBinding rightsize-leader/);
    assert.equal(all.get('cluster reads')?.result, 'FAIL');
  });

  it('prints a line each and ends with 1 where something fails, in JSON too', async () => {
    const stub = await startStub();
    stub.answering = (_request, response) => response.writeHead(403).end();
    const args = ['doctor', '--prometheus-url', stub.url];
    const text = await rightsize(args);
    assert.equal(text.code, 1, text.stderr);
    assert.match(
      text.stdout,
      /^FAIL {2}Prometheus {2}reachable +PrometheusRefused: .*403\n {6}-> look at tokens/,
    );
    assert.match(text.stdout, /\nOK {4}Kubernetes {2}version +v1\./);
    assert.match(text.stdout, /\n\n\d+ OK, \d+ WARN, \d+ FAIL\n$/);
    const json = await rightsize([...args, '-o', 'json']);
    await stub.stop();
    const { ok, findings } = JSON.parse(json.stdout) as { ok: boolean; findings: Finding[] };
    assert.equal(ok, false);
    assert.equal(json.code, 1);
    assert.deepEqual(Object.keys(findings[0] ?? {}).sort(), [
      'area',
      'check',
      'found',
      'result',
      'todo',
    ]);
  });

  it('ends with 2 for flags that cannot be meant', async () => {
    for (const args of [
      ['--prometheus-url', 'prometheus'],
      ['--window', '14 days', '--prometheus-url', 'http://p'],
      ['--prometheus-share', 'half', '--prometheus-url', 'http://p'],
    ]) {
      const { code, stdout } = await rightsize(['doctor', ...args]);
      assert.equal(code, 2);
      assert.equal(stdout, '');
    }
  });
});
