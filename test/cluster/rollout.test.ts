// Mode Rollout on real templates: what is recommended is stated, beside what others state.
//   test/cluster/run.sh mocha test/cluster/rollout.test.ts
import assert from 'node:assert/strict';
import { TEMPLATE_FIELD_MANAGER } from '../../src/api/group.ts';
import { Actor } from '../../src/controller/actor.ts';
import { Ledger } from '../../src/controller/ledger.ts';
import { workloadKey, type Workload } from '../../src/controller/ports.ts';
import { recommendationName, reconcileWorkload } from '../../src/controller/reconcile.ts';
import { createTemplateReader } from '../../src/kube/owntemplate.ts';
import { createTemplateChanger } from '../../src/kube/templates.ts';
import { ALONE } from '../../src/recommend/fleet.ts';
import type { SizesByContainer } from '../support/admission.ts';
import { aHistory, days, NOW } from '../support/builders.ts';
import { createNamespace, deleteNamespace, directConnection } from '../support/cluster.ts';
import { aTemplated, seenTemplated, storedTemplate } from '../support/templated.ts';
import { MemoryActing, RULES } from '../unit/controller/memoryacting.ts';
import { aPolicy, MemoryCluster } from '../unit/controller/memorycluster.ts';

/** 100m and 100Mi for a fortnight: with its margins 113Mi. */
const fortnight = aHistory(days(14));
const BARE: SizesByContainer = { main: {}, proxy: {} };

describe('mode Rollout', function () {
  this.timeout(60_000);
  const connection = directConnection();
  const templates = createTemplateChanger(connection);
  const reader = createTemplateReader(connection);
  const { signal } = new AbortController();
  let namespace = '';
  let cluster: MemoryCluster;
  let now = NOW;

  before(async () => {
    namespace = await createNamespace('rollout');
  });
  after(async () => {
    await deleteNamespace(namespace);
    await connection.close();
  });
  beforeEach(() => {
    now = NOW;
    const policy = aPolicy('own', { mode: 'Rollout' }, { namespace });
    cluster = new MemoryCluster().add(policy);
  });

  const templated = async (
    kind: Workload['ref']['kind'],
    name: string,
    sizes = BARE,
  ): Promise<Workload> => aTemplated({ namespace, kind, name }, sizes);

  /** As an operator that has just begun to lead, with the template as it is stored. */
  async function reconcile({ ref }: Workload): Promise<string | undefined> {
    cluster.add(await seenTemplated(ref));
    const quiet = () => undefined;
    const actor = new Actor({
      ...new MemoryActing().options,
      templates,
      reader,
      view: cluster,
      clock: { nowSeconds: () => now },
      events: { record: quiet },
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      isLeader: () => true,
      ledger: new Ledger(cluster, RULES),
      looksAt: () => [],
      lookSoon: quiet,
    });
    await reconcileWorkload(
      workloadKey(ref),
      {
        view: cluster,
        writer: cluster,
        clock: { nowSeconds: () => now },
        actor,
        usageOf: () => ({
          containers: new Map(fortnight && [['main', fortnight]]),
          failure: undefined,
          isRead: true,
        }),
        fleetOf: () => ({ ...ALONE, isComplete: true }),
      },
      signal,
    );
    return statusOf(ref)?.summary?.status;
  }
  const statusOf = (ref: Workload['ref']) =>
    cluster.recommendations.get(`${namespace}/${recommendationName(ref)}`)?.status;

  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'] as const) {
    it(`gives sizes to a ${kind} without any, and none a second time`, async () => {
      const workload = await templated(kind, 'bare');
      assert.equal(await reconcile(workload), 'Resizing');
      const { sizes, managers, generation } = await storedTemplate(workload);
      assert.equal(sizes['main']?.requests?.['memory'], '113Mi');
      assert.deepEqual(sizes['proxy'], {});
      assert.ok(managers.includes(TEMPLATE_FIELD_MANAGER));
      assert.equal((await reader.ownSizes(workload, signal))?.[0]?.name, 'main');
      await reconcile(workload);
      assert.equal((await storedTemplate(workload)).generation, generation);
      assert.deepEqual(
        statusOf(workload.ref)?.history?.map(({ lane, method }) => [lane, method]),
        [['Savings', 'Rollout']],
      );
    });
  }

  it('leaves a template that kubectl has sized, and names kubectl', async () => {
    const theirs = { ...BARE, main: { requests: { cpu: '1', memory: '1Gi' } } };
    const workload = await templated('Deployment', 'theirs', theirs);
    assert.equal(await reconcile(workload), 'Held:OtherManager');
    const held = statusOf(workload.ref)?.conditions?.find(({ type }) => type === 'Held');
    assert.match(held?.message ?? '', /managed by kubectl/);
    assert.deepEqual((await storedTemplate(workload)).sizes, theirs);
    assert.equal(statusOf(workload.ref)?.history, undefined);
  });

  it('sizes what kubectl has not, and does not take over what is as it ought to be', async () => {
    const theirs = { ...BARE, main: { requests: { memory: '113Mi' } } };
    const workload = await templated('Deployment', 'shared', theirs);
    assert.equal(await reconcile(workload), 'Resizing');
    const [main] = (await reader.ownSizes(workload, signal)) ?? [];
    assert.ok(main?.sizes.requests.cpu !== undefined);
    assert.equal(main.sizes.requests.memory, undefined);
    assert.equal((await storedTemplate(workload)).sizes['main']?.requests?.['memory'], '113Mi');
  });

  it('keeps what it stated of another container, though all records of it are gone', async () => {
    const workload = await templated('Deployment', 'again');
    const proxy = {
      name: 'proxy',
      kind: 'Sidecar',
      sizes: { requests: { cpu: 0.02 }, limits: {} },
    } as const;
    await templates.apply(workload, [proxy], { isDryRun: false, signal });
    assert.deepEqual(await reader.ownSizes(workload, signal), [proxy]);
    await reconcile(workload);
    const { sizes } = await storedTemplate(workload);
    assert.deepEqual(sizes['proxy'], { requests: { cpu: '20m' } });
    assert.equal(sizes['main']?.requests?.['memory'], '113Mi');
  });

  it('says that the template of a Job cannot be changed', async () => {
    const ref = { namespace, kind: 'Job', name: 'nowhere' } as const;
    const workload = await templated('Deployment', 'as-a-job');
    const answer = await templates.apply(
      { ...workload, ref },
      [{ name: 'main', kind: 'Container', sizes: { requests: { cpu: 1 }, limits: {} } }],
      { isDryRun: true, signal },
    );
    assert.equal(answer.kind, 'Refused');
    assert.equal(await reader.ownSizes({ ...workload, ref }, signal), undefined);
  });
});
