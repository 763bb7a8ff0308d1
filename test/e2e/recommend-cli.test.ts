// `rightsize recommend` as a user runs it: against a cluster and a Prometheus, and on CSV files.
//   test/cluster/run.sh mocha test/e2e/recommend-cli.test.ts
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { API_VERSION, GROUP, PLURALS } from '../../src/api/group.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import { Compiled } from '../support/compiled.ts';
import { commandOfImage } from '../support/image.ts';
import { LocalServer } from '../support/local-server.ts';
import { recommendationsIn, targetsOf, type StoredRecommendation } from '../support/own-objects.ts';
import { rightsize, startRightsize } from '../support/rightsize.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const run = promisify(execFile);
const GENEROUS = { cpu: 1, memory: 2 ** 30 };

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    labels: { tier: 'front', app: 'shop' },
    containers: [
      { name: 'web', uses: { cpu: [0.1, 0.4], memoryMi: 300 }, requests: GENEROUS },
      { name: 'proxy', uses: { cpu: [0.01, 0.02], memoryMi: 40 }, requests: GENEROUS },
    ],
  },
  {
    kind: 'StatefulSet',
    name: 'db',
    labels: { tier: 'back', app: 'shop' },
    containers: [{ name: 'db', uses: { cpu: [0.2, 0.3], memoryMi: 700 }, requests: GENEROUS }],
  },
  {
    kind: 'CronJob',
    name: 'report',
    labels: { tier: 'back' },
    containers: [{ name: 'report', uses: { cpu: [0.5, 0.6], memoryMi: 200 }, requests: GENEROUS }],
  },
];
const CONTAINERS = 4;

interface ReportList {
  readonly items: readonly StoredRecommendation[];
}

describe('rightsize recommend on a cluster', function () {
  this.timeout(60_000);
  let scene: Scene;
  let url: string;

  before(async () => {
    scene = await openScene({ prefix: 'e2e-cli', workloads });
    url = `--prometheus-url=${scene.prometheus().url}`;
    await apply(policy(scene.namespace, 'careful', { riskTolerance: { profile: 'Careful' } }));
  });

  after(async () => {
    await scene.close();
  });

  function targetsIn({ items }: ReportList): readonly string[] {
    return targetsOf(new Map(items.map((item) => [item.metadata.name, item])));
  }

  it('says the same as JavaScript, which the image holds', async () => {
    await using compiled = await Compiled.build('tsconfig.build.json');
    const main = compiled.pathOf(commandOfImage().program);
    const args = ['recommend', url, '-n', scene.namespace];
    const [{ stdout, stderr }, ofImage] = await Promise.all([
      rightsize(args),
      startRightsize(args, {}, main).done,
    ]);
    assert.deepEqual(ofImage, { code: 0, stdout, stderr });
  });

  it('prints all workloads as a table, with what it comes to on stderr', async () => {
    const args = ['recommend', url, '-n', scene.namespace];
    const { code, stdout, stderr } = await rightsize(args);
    assert.equal(code, 0);
    const [head = '', ...lines] = stdout.trimEnd().split('\n');
    assert.match(head, /^NAMESPACE +NAME +CPU +MEMORY +CPU RISK +MEM RISK +SAVES +STATUS$/);
    assert.deepEqual(
      lines.map((line) => line.split(/\s+/)[1]),
      ['cronjob-report', 'deployment-web', 'statefulset-db'],
    );
    assert.match(
      stderr,
      /^3 workloads: 3 would change, 0 held; saves [\d.]+m? cpu and [\d.]+[MG]i memory\n$/,
    );
  });

  it('gives the same targets as the operator', async () => {
    // Of the whole cluster, as the operator sees it; others may have workloads there.
    const { stdout } = await rightsize(['recommend', url, '-o', 'json']);
    const { items } = JSON.parse(stdout) as ReportList;
    const report = { items: items.filter(({ metadata }) => isOurs(metadata)) };
    for (const { status } of report.items) assert.equal(status?.policy?.name, 'careful');
    await scene.operator();
    await until(20_000, async () => {
      const stored = await recommendationsIn(scene.connection, scene.namespace);
      assert.deepEqual(targetsOf(stored), targetsIn(report));
    });
    assert.equal(targetsIn(report).length, CONTAINERS);
  });

  it('prints the same as YAML, and a line per container and resource as CSV', async () => {
    const as = async (format: string): Promise<string> =>
      (await rightsize(['recommend', url, '-n', scene.namespace, '-o', format])).stdout;
    const json = JSON.parse(await as('json')) as ReportList;
    const yaml = parse(await as('yaml')) as ReportList;
    assert.deepEqual(targetsIn(yaml), targetsIn(json));
    const [head = '', ...lines] = (await as('csv')).trimEnd().split('\n');
    assert.equal(lines.length, 2 * CONTAINERS);
    for (const line of lines) assert.equal(line.split(',').length, head.split(',').length);
  });

  const cuts: Readonly<
    Record<string, { flags: () => readonly string[]; want: readonly string[] }>
  > = {
    'a namespace': {
      flags: () => ['-n', scene.namespace],
      want: ['cronjob-report', 'deployment-web', 'statefulset-db'],
    },
    'a namespace that has none': { flags: () => ['-n', 'default'], want: [] },
    'a label': { flags: () => ['-l', 'tier=back'], want: ['cronjob-report', 'statefulset-db'] },
    'two labels': { flags: () => ['-l', 'tier=back,app=shop'], want: ['statefulset-db'] },
  };

  for (const [title, { flags, want }] of Object.entries(cuts)) {
    it(`keeps to ${title}`, async () => {
      const args = ['recommend', url, '-o', 'json', ...flags()];
      const { code, stdout } = await rightsize(args);
      assert.equal(code, 0);
      const { items } = JSON.parse(stdout) as ReportList;
      const seen = items
        .filter(({ metadata }) => isOurs(metadata))
        .map((item) => item.metadata.name);
      assert.deepEqual(seen, want);
    });
  }

  /** In one of our own namespaces: without a policy the whole cluster is in the report. */
  function isOurs(metadata: object): boolean {
    return 'namespace' in metadata && metadata.namespace === scene.namespace;
  }

  const empty: Readonly<Record<string, { flags: () => readonly string[]; want: RegExp }>> = {
    'a namespace that is not there': {
      flags: () => ['-n', 'no-such'],
      want: /^namespace "no-such" has no workloads, or is not there\n0 workloads: /m,
    },
    'a label that nothing has': {
      flags: () => ['-n', scene.namespace, '-l', 'tier=none'],
      want: /^no workload of namespace ".*" has the labels of --selector\n0 workloads: /m,
    },
  };

  for (const [title, { flags, want }] of Object.entries(empty)) {
    it(`says why the report is empty for ${title}`, async () => {
      const { code, stderr } = await rightsize(['recommend', url, ...flags()]);
      assert.equal(code, 0);
      assert.match(stderr, want);
    });
  }

  it('goes by policies of the cluster also for one namespace', async () => {
    const name = scene.namespace;
    await kubectl('-n', name, 'delete', 'rightsizepolicy', 'careful');
    const metadata = { name };
    await apply({ apiVersion: API_VERSION, kind: 'ClusterRightsizePolicy', metadata, spec: {} });
    try {
      const { stdout } = await rightsize(['recommend', url, '-o', 'json', '-n', name]);
      const { items } = JSON.parse(stdout) as ReportList;
      assert.deepEqual(
        items.map(({ status }) => status?.policy?.name),
        [name, name, name],
      );
    } finally {
      await kubectl('delete', 'clusterrightsizepolicy', name);
      await apply(policy(name, 'careful', { riskTolerance: { profile: 'Careful' } }));
    }
  });

  it('goes by flags instead of policies, and asks for no more at a higher risk', async () => {
    const cpu = async (...flags: readonly string[]): Promise<number> => {
      const args = ['recommend', url, '-o', 'csv', '-n', scene.namespace, ...flags];
      const { stdout } = await rightsize(args);
      const line = stdout.split('\n').find((each) => each.includes(',Deployment,web,web,cpu,'));
      return Number(line?.split(',')[6]);
    };
    const [critical, economy] = [await cpu('--profile=Critical'), await cpu('--profile=Economy')];
    assert.ok(critical > economy, `${critical} > ${economy}`);
    // Whether 40 % may be lower depends on the hour: what was lowered once a day is lowered after its day only.
    const riskier = await cpu('--cpu-risk=40%');
    assert.ok(riskier > 0 && riskier <= economy, `${riskier} <= ${economy}`);
  });

  it('reports a Prometheus that is not there on every workload, with exit code 1', async () => {
    const args = ['recommend', '--prometheus-url=http://127.0.0.1:1', '-n', scene.namespace];
    const { code, stdout, stderr } = await rightsize(args);
    assert.equal(code, 1);
    assert.equal(stdout.trimEnd().split('\n').length, 1 + workloads.length);
    const failures = stderr
      .split('\n')
      .filter((line) => line.includes('Prometheus cannot be reached'));
    assert.equal(failures.length, workloads.length);
  });

  it('ends within 2 s with exit code 130 when it is interrupted in the middle of a reading', async () => {
    const silent = new LocalServer(() => undefined);
    try {
      const command = startRightsize(['recommend', `--prometheus-url=${await silent.start()}`]);
      await until(20_000, () => assert.ok(silent.requests.length > 0));
      const told = performance.now();
      command.signal('SIGINT');
      assert.deepEqual(await command.done, {
        code: 130,
        stdout: '',
        stderr: 'interrupted; nothing was changed\n',
      });
      assert.ok(performance.now() - told < 2_000);
    } finally {
      await silent.stop();
    }
  });

  it('goes by the default risk where there are no policies, and says so', async () => {
    await kubectl('-n', scene.namespace, 'delete', 'rightsizepolicy', 'careful');
    await reportsByDefault();
  });

  it('needs nothing of ours installed in the cluster', async function () {
    // On a cluster that is not the tests' own this would delete every policy there.
    if (process.env['RIGHTSIZE_CLUSTER_DIR'] === undefined) this.skip();
    const definitions = Object.values(PLURALS).map((plural) => `crd/${plural}.${GROUP}`);
    await kubectl('delete', ...definitions, '--wait=true');
    await reportsByDefault();
  });

  async function reportsByDefault(): Promise<void> {
    const args = ['recommend', url, '-n', scene.namespace];
    const { code, stdout, stderr } = await rightsize(args);
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd().split('\n').length, 1 + workloads.length);
    assert.match(
      stderr,
      /^the cluster has no policies; going by profile Balanced for every workload\n/,
    );
  }
});

describe('rightsize recommend on CSV files', function () {
  this.timeout(30_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-csv-'));
    await writeFile(join(folder, 'made.csv'), traces());
    await writeFile(join(folder, 'made.csv.gz'), gzipSync(traces()));
    await writeFile(
      join(folder, 'bare.csv'),
      'series,timestamp,cpu_cores,memory_bytes\na,1700000000,,\n',
    );
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  for (const format of ['table', 'json', 'yaml', 'csv']) {
    it(`prints the same bytes each time as ${format}, also from gzip`, async () => {
      const of = async (file: string): Promise<string> => {
        const args = ['recommend', '--source=csv', '-o', format, join(folder, file)];
        const { code, stdout } = await rightsize(args, { KUBECONFIG: '/nowhere' });
        assert.equal(code, 0);
        return stdout;
      };
      const [first = '', ...others] = await Promise.all(
        ['made.csv', 'made.csv', 'made.csv.gz'].map(of),
      );
      assert.match(first, /series-0[^]*series-3/);
      assert.deepEqual(others, [first, first]);
    });
  }

  it('names a file without a sample, and goes on', async () => {
    const files = ['bare.csv', 'made.csv'].map((file) => join(folder, file));
    const { code, stdout, stderr } = await rightsize(['recommend', '--source=csv', ...files]);
    assert.equal(code, 0);
    assert.equal(stdout.trimEnd().split('\n').length, 1 + 4);
    assert.match(stderr, /bare\.csv has no series with a sample\n4 workloads: /);
  });

  it('ends without a complaint when its reader has seen enough', async () => {
    const main = 'src/main.ts recommend --source csv -o json';
    const files = Array.from({ length: 40 }, () => join(folder, 'made.csv')).join(' ');
    const { stdout, stderr } = await run('sh', [
      '-c',
      `${process.execPath} ${main} ${files} | head -n 1`,
    ]);
    assert.deepEqual({ stdout, stderr }, { stdout: '{\n', stderr: '' });
  });
});

/** Four series of 8 days, a sample per 5 minutes. */
function traces(): string {
  const lines = ['series,timestamp,cpu_cores,memory_bytes'];
  for (let series = 0; series < 4; series++) {
    for (let i = 0; i < 8 * 288; i++) {
      const cpu = (series + 1) * (0.1 + 0.05 * Math.sin(i / 46) + 0.01 * ((i * 7) % 11));
      lines.push(
        `series-${series},${1_700_000_100 + 300 * i},${cpu.toFixed(4)},${2e8 + (i % 97) * 1e6}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
