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
import { GROUP, PLURALS } from '../../src/api/group.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
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
    assert.equal(stderr, '3 workloads: 3 would change, 0 held\n');
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

  it('goes by flags instead of policies, and asks for less at a higher risk', async () => {
    const cpu = async (...flags: readonly string[]): Promise<number> => {
      const args = ['recommend', url, '-o', 'csv', '-n', scene.namespace, ...flags];
      const { stdout } = await rightsize(args);
      const line = stdout.split('\n').find((each) => each.includes(',Deployment,web,web,cpu,'));
      return Number(line?.split(',')[6]);
    };
    const [critical, economy] = [await cpu('--profile=Critical'), await cpu('--profile=Economy')];
    assert.ok(critical > economy, `${critical} > ${economy}`);
    assert.ok((await cpu('--cpu-risk=40%')) < economy);
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

describe('rightsize with input that it cannot use', function () {
  this.timeout(30_000);
  let folder: string;

  const files: Readonly<Record<string, string>> = {
    'text.csv':
      'series,timestamp,cpu_cores,memory_bytes\na,1700000100,0.1,1e8\na,1700000400,much,1e8\n',
    'columns.csv': 'time,cpu\n1,2\n',
    'field.yaml': [
      'apiVersion: rightsize.dev/v1alpha1',
      'kind: RightsizePolicy',
      'metadata: {name: mine}',
      'spec: {history: {window: 2w}}',
    ].join('\n'),
    'kind.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: mine}\n',
    'broken.yaml': 'spec: {history: [\n',
    'kubeconfig.yaml': 'clusters: 7\n',
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-input-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  const PROMETHEUS = '--prometheus-url=http://127.0.0.1:1';
  const refused: Readonly<Record<string, { args: readonly string[]; want: RegExp }>> = {
    'an unknown flag': { args: ['recommend', '--foo'], want: /unknown option '--foo'/ },
    'an unknown flag of the operator': {
      args: ['operator', '--foo'],
      want: /unknown option '--foo'/,
    },
    'an unknown command': { args: ['recomend'], want: /unknown command 'recomend'/ },
    'a kubeconfig that is not there': {
      args: ['recommend', PROMETHEUS],
      want: /cannot read kubeconfig \/nowhere: .*no such file/i,
    },
    'a kubeconfig that is not there, for the operator': {
      args: ['operator', PROMETHEUS],
      want: /cannot read kubeconfig \/nowhere: .*no such file/i,
    },
    'a kubeconfig that is none': {
      args: ['recommend', PROMETHEUS, '--kubeconfig=DIR/kubeconfig.yaml'],
      want: /kubeconfig\.yaml/,
    },
    'no Prometheus': { args: ['recommend'], want: /--prometheus-url/ },
    'a URL that is none': {
      args: ['operator', '--prometheus-url=somewhere', '--kubeconfig=DIR/kubeconfig.yaml'],
      want: /rightsize: /,
    },
    'a number that is none': {
      args: ['recommend', '--source=csv', '--prometheus-timeout=soon', 'DIR/text.csv'],
      want: /'--prometheus-timeout <seconds>' argument 'soon' is invalid/,
    },
    'a duration that is none': {
      args: ['operator', PROMETHEUS, '--refresh=often'],
      want: /--refresh: "often" is not a duration/,
    },
    'an address that is none': {
      args: ['operator', PROMETHEUS, '--metrics-address=here'],
      want: /--metrics-address: "here" is not an address/,
    },
    'an unknown source': {
      args: ['recommend', '--source=excel'],
      want: /Allowed choices are prometheus, csv/,
    },
    'an unknown format': {
      args: ['recommend', '-o', 'xml'],
      want: /Allowed choices are table, json/,
    },
    'a percentage that is none': {
      args: ['recommend', '--source=csv', '--cpu-risk=2', 'DIR/text.csv'],
      want: /--cpu-risk: "2" is not a percentage/,
    },
    'a percentage out of range': {
      args: ['recommend', '--source=csv', '--memory-risk=99%', 'DIR/text.csv'],
      want: /--memory-risk: "99%" is not from 0\.01% to 50%/,
    },
    'a window that is none': {
      args: ['recommend', '--source=csv', '--window=long', 'DIR/text.csv'],
      want: /--window: "long" is not a duration/,
    },
    'a selector that is none': {
      args: ['recommend', PROMETHEUS, '-l', 'tier'],
      want: /--selector "tier"/,
    },
    'no CSV file': { args: ['recommend', '--source=csv'], want: /needs at least one file/ },
    'a CSV file that is not there': {
      args: ['recommend', '--source=csv', 'DIR/none.csv'],
      want: /none\.csv: no such file/,
    },
    'text in a CSV file where a number belongs': {
      args: ['recommend', '--source=csv', 'DIR/text.csv'],
      want: /text\.csv line 3, column cpu_cores: "much" is not a number/,
    },
    'a CSV file with other columns': {
      args: ['recommend', '--source=csv', 'DIR/columns.csv'],
      want: /columns\.csv line 1, the columns are "time,cpu"; expected series,timestamp/,
    },
    'a policy with a bad field': {
      args: ['recommend', '--source=csv', '--policy=DIR/field.yaml', 'DIR/text.csv'],
      want: /field\.yaml: "2w" is not a duration/,
    },
    'a policy that is none': {
      args: ['recommend', '--source=csv', '--policy=DIR/kind.yaml', 'DIR/text.csv'],
      want: /kind\.yaml: apiVersion: /,
    },
    'a policy that is no YAML': {
      args: ['recommend', '--source=csv', '--policy=DIR/broken.yaml', 'DIR/text.csv'],
      want: /broken\.yaml: Flow sequence .* at line 2, column 1\n/,
    },
  };

  const AT_ONCE = 3;
  const runs = new Map<string, Awaited<ReturnType<typeof rightsize>>>();

  before(async function () {
    this.timeout(90_000);
    const env = { KUBECONFIG: '/nowhere', RIGHTSIZE_PROMETHEUS_URL: undefined };
    const waiting = Object.entries(refused).values();
    const work = async (): Promise<void> => {
      for (const [title, { args }] of waiting) {
        const own = args.map((arg) => arg.replace('DIR', folder));
        runs.set(title, await rightsize(own, env));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  });

  for (const [title, { want }] of Object.entries(refused)) {
    it(`refuses ${title} in one line, with exit code 2`, () => {
      const { code, stdout, stderr } = runs.get(title) ?? {};
      assert.ok(stderr);
      assert.match(stderr, want);
      assert.match(stderr, /^rightsize: [^\n]+\n$/);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    });
  }

  for (const args of [['--help'], ['recommend', '--help'], ['operator', '--help'], ['--version']]) {
    it(`answers ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await rightsize(args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, args.includes('--help') ? /^Usage: rightsize/ : /^\d+\.\d+\.\d+\n$/);
      if (args.length > 1) assert.match(stdout, /\nExit codes: /);
    });
  }
});
