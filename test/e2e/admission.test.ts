// Mode Admission: the operator decides, and the API server sizes new pods, also while the operator is down.
//   test/cluster/run.sh mocha test/e2e/admission.test.ts
import assert from 'node:assert/strict';
import { ADMISSION_LABEL } from '../../src/api/group.ts';
import { storedSizes, uninstallAdmission, type SizesByContainer } from '../support/admission.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import { install } from '../support/installation.ts';
import type { RunningOperator } from '../support/operator.ts';
import {
  conditionOf,
  recommendationsIn,
  type StoredRecommendation,
} from '../support/own-objects.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const MI = 2 ** 20;
const NAME = 'rightsize-admission';

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    containers: [
      {
        name: 'web',
        uses: { cpu: [0.1, 0.4], memoryMi: 300 },
        requests: { cpu: 2, memory: 1024 * MI },
        limits: { memory: 1024 * MI },
      },
      {
        name: 'proxy',
        uses: { cpu: [0.01, 0.03], memoryMi: 60 },
        requests: { cpu: 0.1, memory: 256 * MI },
        limits: { cpu: 1, memory: 256 * MI },
      },
    ],
  },
  {
    kind: 'CronJob',
    name: 'report',
    containers: [
      {
        name: 'report',
        uses: { cpu: [0.5, 0.6], memoryMi: 500 },
        requests: { cpu: 1, memory: 1024 * MI },
      },
    ],
  },
];

const TEMPLATE: SizesByContainer = {
  web: { requests: { cpu: '2', memory: '1Gi' }, limits: { memory: '1Gi' } },
  proxy: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '256Mi' } },
};

describe('mode Admission', function () {
  this.timeout(120_000);
  let scene: Scene;
  let operator: RunningOperator;

  before(async () => {
    await uninstallAdmission();
    scene = await openScene({ prefix: 'e2e-admission', workloads });
    operator = await scene.operator({ flags: ['--refresh=2s'] });
    await govern();
  });

  after(async () => {
    await uninstallAdmission();
    await scene.close();
  });

  /** The proxy is only looked at. */
  const govern = (spec: object = {}) =>
    apply(
      policy(scene.namespace, 'default', {
        mode: 'Admission',
        containers: [{ name: 'proxy', mode: 'Recommend' }],
        ...spec,
      }),
    );

  async function recommendation(name = 'deployment-web'): Promise<StoredRecommendation> {
    const found = (await recommendationsIn(scene.connection, scene.namespace)).get(name);
    assert.ok(found, name);
    return found;
  }

  const inNamespace = (...args: readonly string[]) => kubectl('-n', scene.namespace, ...args);
  const scaleTo = (replicas: number) =>
    inNamespace('scale', 'deployment', 'web', `--replicas=${replicas}`);
  const isLabelled = ({ metadata }: StoredRecommendation) =>
    metadata.labels?.[ADMISSION_LABEL] === 'active';

  /** Until the Recommendation says so and has the label. */
  const active = (state: string, name?: string) =>
    until(60_000, async () => {
      const found = await recommendation(name);
      assert.equal(found.status?.summary?.status, state);
      assert.ok(isLabelled(found));
      return found;
    });

  /** Until it sizes no new pod. */
  const inactive = (state: string, deadlineMs = 10_000) =>
    until(deadlineMs, async () => {
      const found = await recommendation();
      assert.equal(found.status?.summary?.status, state);
      assert.ok(!isLabelled(found));
      assert.equal(found.status.admission, undefined);
      return found;
    });

  const held = (found: StoredRecommendation) =>
    found.status?.conditions?.find(({ type }) => type === 'Held');

  /** What a pod of the Deployment has by the recommendation. */
  function sizesBy({ status }: StoredRecommendation): SizesByContainer {
    const admitted = status?.admission?.map(({ name, ...sizes }) => [name, sizes] as const) ?? [];
    assert.notEqual(admitted.length, 0);
    return { ...TEMPLATE, ...(Object.fromEntries(admitted) as SizesByContainer) };
  }

  /** A new pod in the place of all others, which is found to have these sizes within seconds. */
  const newPodHas = (sizes: SizesByContainer) =>
    until(20_000, async () => {
      await scaleTo(0);
      await storedSizes(scene.namespace, 'web', 0);
      await scaleTo(1);
      assert.deepEqual(await storedSizes(scene.namespace, 'web'), [sizes]);
    });

  it('says that it is not available and which file installs it, and recommends all the same', async () => {
    const found = await inactive('Held:AdmissionUnavailable', 40_000);
    assert.equal(conditionOf(found, 'Held'), 'True AdmissionUnavailable');
    assert.equal(found.status?.reason, 'AdmissionUnavailable');
    assert.match(
      held(found)?.message ?? '',
      /may not get, list and watch mutatingadmissionpolicies.*deploy\/components\/admission/,
    );
    assert.equal(conditionOf(found, 'Ready'), 'True Recommended');
    const response = await fetch(`${operator.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    assert.equal(response.status, 200);
    await newPodHas(TEMPLATE);
  });

  it('begins by itself once it is installed', async () => {
    const { system: namespace } = scene;
    await install({ overlay: 'cluster', namespace, components: ['admission'] });
    const web = await active('NextPod');
    assert.deepEqual(
      web.status?.admission?.map(({ name }) => name),
      ['web'],
    );
    assert.equal(held(web), undefined);
    const report = await active('NextRun', 'cronjob-report');
    assert.equal(report.status?.mode, 'Admission');
  });

  it('sizes the pod that a Deployment gets when it is scaled up, and leaves its others alone', async () => {
    // A kind that is new is known to admission within 30 seconds.
    await until(60_000, async () => newPodHas(sizesBy(await recommendation())));
    await scaleTo(2);
    const sized = sizesBy(await recommendation());
    assert.deepEqual(await storedSizes(scene.namespace, 'web', 2), [sized, sized]);
    const template = await inNamespace(
      ...['get', 'deployment', 'web', '-o'],
      'jsonpath={.spec.template.spec.containers[0].resources.requests.cpu}',
    );
    assert.equal(template, '2');
  });
  it('writes nothing while nothing changes', async () => {
    const versions = async () =>
      [...(await recommendationsIn(scene.connection, scene.namespace))].map(
        ([name, { metadata }]) => `${name} ${metadata.resourceVersion}`,
      );
    const readings = async () => (await operator.log()).split('"usage read"').length - 1;
    const before = await versions();
    const read = await readings();
    await until(30_000, async () => assert.ok((await readings()) >= read + 4));
    assert.deepEqual(await versions(), before);
  });

  it('says Applied when the pods that run have it', async () => {
    const path = '/spec/template/spec/nodeSelector';
    const patch = JSON.stringify([{ op: 'remove', path }]);
    await scaleTo(1);
    await inNamespace('patch', 'deployment', 'web', '--type=json', '-p', patch);
    await active('Applied');
    await inNamespace('rollout', 'undo', 'deployment', 'web');
    await scaleTo(0);
    await active('NextPod');
  });

  it('goes on while the operator is down', async () => {
    await operator.end('SIGTERM');
    await newPodHas(sizesBy(await recommendation()));
  });

  it('gives the values of the template at once when the mode is Recommend again', async () => {
    operator = await scene.operator({ flags: ['--refresh=2s'] });
    await govern({ mode: 'Recommend' });
    await inactive('Recommended', 30_000);
    await newPodHas(TEMPLATE);
    await govern();
    await active('NextPod');
  });

  it('follows the mode of a container', async () => {
    await govern({ mode: 'Recommend', containers: [{ name: 'proxy', mode: 'Admission' }] });
    await until(10_000, async () => {
      const { status } = await recommendation();
      assert.deepEqual(
        status?.admission?.map(({ name }) => name),
        ['proxy'],
      );
    });
    await newPodHas(sizesBy(await recommendation()));
    await govern();
    await active('NextPod');
  });

  it('is suspended by the policy, and by an annotation of the workload', async () => {
    await govern({ suspend: true });
    const byPolicy = await inactive('Held:Suspended');
    assert.match(held(byPolicy)?.message ?? '', /by the RightsizePolicy default/);
    await newPodHas(TEMPLATE);
    await govern({ suspend: false });
    await active('NextPod');

    await inNamespace('annotate', 'deployment', 'web', 'rightsize.dev/suspend=true');
    const byWorkload = await inactive('Held:Suspended');
    assert.match(held(byWorkload)?.message ?? '', /by the Deployment web/);
    await inNamespace('annotate', 'deployment', 'web', 'rightsize.dev/suspend-');
    await active('NextPod');
  });

  it('is suspended until a time, and for as long as that time cannot be read', async () => {
    const annotate = (what: readonly string[], value: string) =>
      kubectl('annotate', '--overwrite', ...what, `rightsize.dev/suspend-until${value}`);
    const onNamespace = ['namespace', scene.namespace];
    const soon = new Date(Date.now() + 6_000).toISOString();
    await annotate(onNamespace, `=${soon}`);
    await inactive('Held:Suspended', 5_000);
    await active('NextPod');
    assert.ok(Date.now() >= Date.parse(soon));
    await annotate(onNamespace, '-');

    const onPolicy = ['-n', scene.namespace, 'rightsizepolicy', 'default'];
    await annotate(onPolicy, '=tomorrow');
    const found = await inactive('Held:Suspended');
    assert.match(held(found)?.message ?? '', /"tomorrow", which is no time/);
    await annotate(onPolicy, '-');
    await active('NextPod');
  });

  it('takes away a label that is not its own, and puts back one that was taken', async () => {
    await inNamespace('label', 'rsrec', 'deployment-web', `${ADMISSION_LABEL}-`);
    await active('NextPod');
    await govern({ mode: 'Recommend' });
    await inactive('Recommended');
    await inNamespace('label', 'rsrec', 'deployment-web', `${ADMISSION_LABEL}=active`);
    await inactive('Recommended');
    await govern();
    await active('NextPod');
  });

  it('sizes the next run of a CronJob', async () => {
    const { status } = await active('NextRun', 'cronjob-report');
    const patch = (change: object, ...flags: readonly string[]) =>
      inNamespace(
        ...['patch', 'cronjob', 'report', ...flags, '--type=merge'],
        ...['-p', JSON.stringify(change)],
      );
    const metadata = { labels: { app: 'report' } };
    const jobTemplate = { spec: { template: { metadata } } };
    await patch({ spec: { schedule: '* * * * *', jobTemplate } });
    // A run that was missed is made up for at once.
    const lastScheduleTime = new Date(Date.now() - 90_000).toISOString();
    await patch({ status: { lastScheduleTime } }, '--subresource=status');
    await patch({ spec: { suspend: false } });
    const [sizes] = await storedSizes(scene.namespace, 'report');
    await patch({ spec: { suspend: true } });
    const [{ name, ...want } = assert.fail()] = status?.admission ?? [];
    assert.deepEqual(sizes, { [name]: want });
  });

  it('keeps pods creatable where a quota counts limits of CPU', async () => {
    await inNamespace('create', 'quota', 'limits', '--hard=limits.cpu=20,limits.memory=20Gi');
    const found = await until(10_000, async () => {
      const stored = await recommendation();
      const [web] = stored.status?.admission ?? [];
      assert.ok(web?.limits?.cpu);
      assert.equal(web.limits.cpu, web.requests?.cpu);
      return stored;
    });
    const clamps = found.status?.containers?.[0]?.clamps?.map(({ clamp }) => clamp);
    assert.ok(clamps?.includes('ResourceQuota'), JSON.stringify(clamps));
    // The template states no limit of CPU, so that the quota would refuse its pods.
    await newPodHas(sizesBy(found));
    await inNamespace('delete', 'quota', 'limits');
    await until(10_000, async () => {
      const [web] = (await recommendation()).status?.admission ?? [];
      assert.ok(web !== undefined && web.limits?.cpu === undefined);
    });
  });

  it('says so when the binding is gone, and goes on when it is back', async () => {
    await kubectl('delete', 'mutatingadmissionpolicybinding', NAME);
    const found = await inactive('Held:AdmissionUnavailable');
    assert.match(
      held(found)?.message ?? '',
      /mutatingadmissionpolicybindings.* has no rightsize-admission; install it with kubectl apply/,
    );
    const { system: namespace } = scene;
    await install({ overlay: 'cluster', namespace, components: ['admission'] });
    await active('NextPod');
  });

  it('gives the values of the template when the policy is deleted', async () => {
    await inNamespace('delete', 'rightsizepolicy', 'default');
    await until(20_000, async () => {
      assert.equal((await recommendationsIn(scene.connection, scene.namespace)).size, 0);
    });
    await newPodHas(TEMPLATE);
  });

  it('logs no refusal and no error', async () => {
    const bad = (await operator.log())
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{"level":"info"') && !/e2e-(?!admission)/.test(line));
    assert.deepEqual(bad, []);
  });
});
