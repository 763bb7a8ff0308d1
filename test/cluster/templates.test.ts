// Pod templates under a field manager of our own: stated beside other managers, and given back.
//   test/cluster/run.sh mocha test/cluster/templates.test.ts
import assert from 'node:assert/strict';
import { TEMPLATE_FIELD_MANAGER } from '../../src/api/group.ts';
import type { TemplateChanger } from '../../src/controller/changeports.ts';
import type { Workload } from '../../src/controller/ports.ts';
import { createTemplateChanger } from '../../src/kube/templates.ts';
import { containersOf, type Resources, type SizesByContainer } from '../support/admission.ts';
import {
  createNamespace,
  deleteNamespace,
  directConnection,
  kubectl,
  until,
} from '../support/cluster.ts';
import { mebibytes } from '../support/changed-pods.ts';
import { connectionAs } from '../support/serviceaccount.ts';
import {
  aTemplated,
  installRollouts,
  seenTemplated,
  storedTemplate,
  uninstallRollouts,
} from '../support/templated.ts';

type Stated = Parameters<TemplateChanger['apply']>[1];

const MAIN: Stated[number] = {
  name: 'main',
  kind: 'Container',
  sizes: {
    requests: { cpu: 0.25, memory: mebibytes(64) },
    limits: { memory: mebibytes(128) },
  },
};
const PROXY: Stated[number] = {
  name: 'proxy',
  kind: 'Sidecar',
  sizes: { requests: { cpu: 0.02 }, limits: {} },
};
const SIZED: Resources = {
  requests: { cpu: '250m', memory: '64Mi' },
  limits: { memory: '128Mi' },
};
const BARE: SizesByContainer = { main: {}, proxy: {} };

describe('a pod template', function () {
  this.timeout(60_000);
  const connection = directConnection();
  const changer = createTemplateChanger(connection);
  const { signal } = new AbortController();
  const real = { isDryRun: false, signal };
  const accepted = { kind: 'Accepted' };
  let namespace = '';

  before(async () => {
    namespace = await createNamespace('templates');
  });
  after(async () => {
    await deleteNamespace(namespace);
    await connection.close();
  });

  const templated = (kind: Workload['ref']['kind'], name: string, sizes = BARE) =>
    aTemplated({ namespace, kind, name }, sizes);
  const sizesNow = async (workload: Workload) => (await storedTemplate(workload)).sizes;

  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'] as const) {
    it(`of a ${kind} has the sizes that are stated, and nothing of them once given back`, async () => {
      const workload = await templated(kind, 'sized');
      const before = await storedTemplate(workload);
      assert.deepEqual(await changer.apply(workload, [MAIN, PROXY], real), accepted);
      const proxy = { requests: { cpu: '20m' } };
      assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy });
      assert.deepEqual(await changer.apply(workload, [MAIN], real), accepted);
      assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy: {} });
      assert.deepEqual(await changer.apply(workload, [], real), accepted);
      const after = await storedTemplate(workload);
      assert.deepEqual(after.podSpec, before.podSpec);
      assert.ok(!after.managers.includes(TEMPLATE_FIELD_MANAGER));
    });
  }

  it('is as it was after a dry run, and when there is nothing to give back', async () => {
    const workload = await templated('Deployment', 'still');
    const before = await storedTemplate(workload);
    const dry = { isDryRun: true, signal };
    assert.deepEqual(await changer.apply(workload, [MAIN], dry), accepted);
    assert.deepEqual(await changer.apply(workload, [], real), accepted);
    assert.deepEqual(await storedTemplate(workload), before);
  });

  it('is not written again when it has the sizes', async () => {
    const workload = await templated('Deployment', 'again');
    await changer.apply(workload, [MAIN], real);
    const before = await storedTemplate(workload);
    assert.deepEqual(await changer.apply(workload, [MAIN], real), accepted);
    assert.deepEqual((await storedTemplate(workload)).generation, before.generation);
  });

  it('keeps the amounts that others state, and names them', async () => {
    const theirs = { main: { requests: { cpu: '100m' } }, proxy: {} };
    const workload = await templated('Deployment', 'theirs', theirs);
    const conflict = { kind: 'Conflict', managers: ['kubectl'] };
    assert.deepEqual(await changer.apply(workload, [MAIN], real), conflict);
    assert.deepEqual(await sizesNow(workload), theirs);
  });

  it('keeps what others state too, after it was given back', async () => {
    const theirs = { main: { requests: { cpu: '250m' } }, proxy: {} };
    const workload = await templated('Deployment', 'shared', theirs);
    assert.deepEqual(await changer.apply(workload, [MAIN], real), accepted);
    assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy: {} });
    assert.deepEqual(await changer.apply(workload, [], real), accepted);
    assert.deepEqual(await sizesNow(workload), theirs);
  });

  it('names every manager, also of an update and of a client-side apply', async () => {
    const workload = await templated('Deployment', 'several');
    const set = (manager: string, resources: object) => {
      const containers = [{ name: 'main', resources }];
      const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
      const args = ['patch', 'deployment', 'several', `--field-manager=${manager}`, '-p', patch];
      return kubectl('-n', namespace, ...args);
    };
    await set('kubectl-client-side-apply', { requests: { cpu: '1' } });
    await set('helm', { limits: { memory: '1Gi' } });
    assert.deepEqual(await changer.apply(workload, [MAIN], real), {
      kind: 'Conflict',
      managers: ['helm', 'kubectl-client-side-apply'],
    });
  });

  it('may lose a container to a client-side change while we state its sizes', async () => {
    const workload = await templated('Deployment', 'shrinking', { ...BARE, extra: {} });
    const extra = { ...MAIN, name: 'extra' };
    assert.deepEqual(await changer.apply(workload, [MAIN, extra], real), accepted);
    const remove = { containers: [{ name: 'extra', $patch: 'delete' }] };
    const patch = JSON.stringify({ spec: { template: { spec: remove } } });
    await kubectl('-n', namespace, 'patch', 'deployment', 'shrinking', '-p', patch);
    assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy: {} });
    // What was looked at before still has it.
    const late = await changer.apply(workload, [MAIN, extra], real);
    assert.equal(late.kind, 'Refused');
    assert.deepEqual(await changer.apply(workload, [], real), accepted);
    assert.deepEqual(await sizesNow(workload), BARE);
  });

  it('loses a container to its owner by server-side apply only after it was given back', async () => {
    const workload = await templated('Deployment', 'held', { ...BARE, extra: {} });
    await changer.apply(workload, [{ ...MAIN, name: 'extra' }], real);
    await assert.rejects(templated('Deployment', 'held'), /image: Required value/);
    assert.deepEqual(await changer.apply(workload, [], real), accepted);
    await templated('Deployment', 'held');
    assert.deepEqual(await sizesNow(workload), BARE);
  });

  it('is Gone with its workload, which is not made anew', async () => {
    const workload = await templated('Deployment', 'gone');
    await kubectl('-n', namespace, 'delete', 'deployment', 'gone');
    assert.deepEqual(await changer.apply(workload, [MAIN], real), { kind: 'Gone' });
    assert.deepEqual(await changer.apply(workload, [], real), { kind: 'Gone' });
    assert.equal(await kubectl('-n', namespace, 'get', 'deploy', 'gone', '--ignore-not-found'), '');
    const next = await templated('Deployment', 'gone');
    assert.deepEqual(await changer.apply(workload, [MAIN], real), { kind: 'Gone' });
    assert.deepEqual(await sizesNow(next), BARE);
  });

  it('is Refused what the server finds invalid', async () => {
    const workload = await templated('Deployment', 'invalid');
    const limits = { memory: mebibytes(1) };
    const answer = await changer.apply(
      workload,
      [{ ...MAIN, sizes: { ...MAIN.sizes, limits } }],
      real,
    );
    assert.equal(answer.kind, 'Refused');
    assert.match(
      'message' in answer ? answer.message : '',
      /less than or equal to memory limit of 1Mi$/,
    );
  });

  it('is Forbidden without the right to', async () => {
    const workload = await templated('Deployment', 'private');
    const poor = await connectionAs(namespace, 'poor', []);
    try {
      const answer = await createTemplateChanger(poor).apply(workload, [MAIN], real);
      assert.equal(answer.kind, 'Forbidden');
      assert.match(
        'message' in answer ? answer.message : '',
        / cannot patch resource "deployments"/,
      );
    } finally {
      await poor.close();
    }
  });

  describe('of a Rollout', () => {
    afterEach(() => uninstallRollouts());

    it('is sized and given back where the kind tells containers by name', async () => {
      await installRollouts('ByName');
      const workload = await until(20_000, () => templated('Rollout', 'named'));
      const applyNow = async (stated: Stated, options = real) =>
        changer.apply(await seenTemplated(workload.ref), stated, options);
      const before = await storedTemplate(workload);
      const proxy = { requests: { cpu: '20m' } };
      assert.deepEqual(await changer.apply(workload, [MAIN, PROXY], real), accepted);
      const { podSpec, sizes } = await storedTemplate(workload);
      assert.deepEqual(sizes, { main: SIZED, proxy });
      assert.deepEqual(podSpec.containers, containersOf({ main: SIZED }), 'keeps the image');
      assert.deepEqual(await applyNow([MAIN], real), accepted);
      assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy: {} });
      const dry = { isDryRun: true, signal };
      assert.deepEqual(await applyNow([], dry), accepted);
      assert.deepEqual(await sizesNow(workload), { main: SIZED, proxy: {} });
      assert.deepEqual(await applyNow([], real), accepted);
      const after = await storedTemplate(workload);
      assert.deepEqual(after.podSpec, before.podSpec);
      assert.ok(!after.managers.includes(TEMPLATE_FIELD_MANAGER));
    });

    it('is Refused where the list of containers is one field', async () => {
      await installRollouts('AsOneField');
      const workload = await until(20_000, () => templated('Rollout', 'atomic'));
      const before = await storedTemplate(workload);
      for (const stated of [[MAIN], [PROXY], [MAIN, PROXY]]) {
        const answer = await changer.apply(workload, stated, real);
        assert.equal(answer.kind, 'Refused');
        assert.match('message' in answer ? answer.message : '', /install the CRDs of a newer Argo/);
      }
      assert.deepEqual(await storedTemplate(workload), before);
    });
  });
});
