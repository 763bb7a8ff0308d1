// The command line with input that it cannot use: one line that says what to write instead, before anything is read.
//   npx mocha test/e2e/cli-input.test.ts
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rightsize } from '../support/rightsize.ts';

describe('rightsize with input that it cannot use', function () {
  this.timeout(30_000);
  let folder: string;

  const files: Readonly<Record<string, string>> = {
    'text.csv':
      'series,timestamp,cpu_cores,memory_bytes\na,1700000100,0.1,1e8\na,1700000400,much,1e8\n',
    'old.csv': 'series,timestamp,cpu_cores,memory_bytes\na,0,0.1,1e8\n',
    'good.csv': 'series,timestamp,cpu_cores,memory_bytes\na,1700000100,0.1,1e8\n',
    'replayed.yaml': [
      'apiVersion: rightsize.dev/v1alpha1',
      'kind: RightsizePolicy',
      'metadata: {name: mine}',
      'spec: {history: {window: 7d, halfLife: 1d}, bounds: {minAllowed: {cpu: 50m}}}',
    ].join('\n'),
    'columns.csv': 'time,cpu\n1,2\n',
    'field.yaml': [
      'apiVersion: rightsize.dev/v1alpha1',
      'kind: RightsizePolicy',
      'metadata: {name: mine}',
      'spec: {history: {window: 2w}}',
    ].join('\n'),
    'empty.yaml': '',
    'kind.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: mine}\n',
    'broken.yaml': 'spec: {history: [\n',
    'kubeconfig.yaml': 'clusters: 7\n',
    'cluster.yaml': [
      'apiVersion: v1',
      'kind: Config',
      'clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]',
      'contexts: [{name: c, context: {cluster: c, user: u}}]',
      'users: [{name: u, user: {}}]',
      'current-context: c',
    ].join('\n'),
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-input-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  const PROMETHEUS = '--prometheus-url=http://127.0.0.1:1';
  const GOOD_KUBECONFIG = '--kubeconfig=DIR/cluster.yaml';
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
    'a shard where one namespace is watched': {
      args: ['operator', PROMETHEUS, GOOD_KUBECONFIG, '--shard=0/3', '-n', 'shop'],
      want: /--shard: namespaces are shared out whole, leave out --namespace/,
    },
    'a folder for usage without a name': {
      args: ['operator', PROMETHEUS, '--state-dir='],
      want: /--state-dir: "" is no folder/,
    },
    'a file where usage is to be kept': {
      args: ['operator', PROMETHEUS, '--state-dir=DIR/text.csv'],
      want: /--state-dir: "\S+text\.csv" is no folder; one that is missing is made/,
    },
    'a folder in a file': {
      args: ['operator', PROMETHEUS, '--state-dir=DIR/text.csv/state'],
      want: /--state-dir: "\S+text\.csv\/state" can be no folder: ENOTDIR/,
    },
    'a folder where none can be made': {
      args: ['operator', PROMETHEUS, '--state-dir=/proc/self/state'],
      want: /--state-dir: "\/proc\/self\/state" can be no folder: ENOENT/,
    },
    'a folder whose name is too long': {
      args: ['operator', PROMETHEUS, `--state-dir=DIR/${'long'.repeat(100)}`],
      want: /--state-dir: "\S+long" can be no folder: ENAMETOOLONG/,
    },
    'a parameter that each query has': {
      args: [
        'operator',
        PROMETHEUS,
        '--prometheus-param=dedup=true',
        '--prometheus-param=query=up',
      ],
      want: /--prometheus-param: each query has its own "query", leave it out/,
    },
    'an address that is none': {
      args: ['operator', PROMETHEUS, '--metrics-address=here'],
      want: /--metrics-address: "here" is not an address/,
    },
    'an address that is not of this machine': {
      args: ['operator', PROMETHEUS, GOOD_KUBECONFIG, '--metrics-address=192.0.2.1:8080'],
      want: /--metrics-address: listen EADDRNOTAVAIL.* 192\.0\.2\.1:8080; write another host:port/,
    },
    'no namespace where one is named': {
      args: ['operator', PROMETHEUS, '--namespace='],
      want: /'-n, --namespace <name>' argument '' is invalid\. write the name of one namespace/,
    },
    'two namespaces where one is named': {
      args: ['recommend', PROMETHEUS, '-n', 'a,b'],
      want: /argument 'a,b' is invalid\. write the name of one namespace/,
    },
    'a namespace to put back that is none': {
      args: ['revert', '-n', 'Shop'],
      want: /argument 'Shop' is invalid\. write the name of one namespace/,
    },
    'a name that no Lease can have': {
      args: ['operator', PROMETHEUS, '--lease-name=Bad Name'],
      want: /argument 'Bad Name' is invalid\. write the name of an object/,
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
    'a policy of nothing': {
      args: ['recommend', '--source=csv', '--policy=DIR/empty.yaml', 'DIR/text.csv'],
      want: /empty\.yaml: expected a RightsizePolicy or ClusterRightsizePolicy/,
    },
    'a URL without a scheme before anything is read': {
      args: ['recommend', '--prometheus-url=localhost:9090'],
      want: /--prometheus-url \(or RIGHTSIZE_PROMETHEUS_URL\) is no URL: write http:\/\/localhost:9090\n/,
    },
    'a selector of sets': {
      args: ['recommend', PROMETHEUS, '-l', 'app in (a,b)'],
      want: /--selector "app in \(a,b\)": only label=value works/,
    },
    'a selector of what is not': {
      args: ['recommend', PROMETHEUS, '-l', 'app!=a'],
      want: /--selector "app!=a": only label=value works/,
    },
    'a namespace where a file is read': {
      args: ['recommend', '--source=csv', '-n', 'shop', 'DIR/text.csv'],
      want: /--namespace is not read with --source csv: leave it out/,
    },
    'a Prometheus where a file is read': {
      args: ['recommend', '--source=csv', PROMETHEUS, 'DIR/text.csv'],
      want: /--prometheus-url is not read with --source csv/,
    },
    'a time between readings that is too long': {
      args: ['operator', PROMETHEUS, '--refresh=2d'],
      want: /--refresh: "2d" is not from 1s to 24h/,
    },
    'no CSV file to replay': { args: ['backtest'], want: /--source csv needs at least one file/ },
    'a file to replay beside a cluster': {
      args: ['backtest', '--source=prometheus', PROMETHEUS, 'DIR/text.csv'],
      want: /"\S+text\.csv" is not expected; files go with --source csv/,
    },
    'a Prometheus where a file is replayed': {
      args: ['backtest', PROMETHEUS, 'DIR/text.csv'],
      want: /--prometheus-url is not read with --source csv/,
    },
    'a window where a file is replayed': {
      args: ['backtest', '--window=28d', 'DIR/text.csv'],
      want: /--window is not read with --source csv/,
    },
    'sizes of machines where a cluster is replayed': {
      args: ['backtest', '--source=prometheus', PROMETHEUS, '--machine-cores=a=4'],
      want: /--machine-cores is not read with --source prometheus: leave it out/,
    },
    'a window to replay that is too long': {
      args: ['backtest', '--source=prometheus', PROMETHEUS, '--window=100d'],
      want: /--window: "100d" is not from 1d to 90d/,
    },
    'a replay of a cluster without a Prometheus': {
      args: ['backtest', '--source=prometheus'],
      want: /--prometheus-url/,
    },
    'a recommender that is not known': {
      args: ['backtest', '--against=vpa,goldilocks', 'DIR/text.csv'],
      want: /"goldilocks" is none of current, vpa, krr/,
    },
    'a file that is replayed twice': {
      args: ['backtest', 'DIR/good.csv', 'DIR/good.csv'],
      want: /series "a" of dataset good comes twice: \S+good\.csv is given twice; /,
    },
    'a trace whose time begins at zero': {
      args: ['backtest', 'DIR/old.csv'],
      want: /old\.csv line 2, column timestamp: "0" is not a time in unix seconds: it is before 2000/,
    },
    'one file for a page and for recommendations': {
      args: ['backtest', '--html=DIR/out', '--recommendations-out=DIR/./out', 'DIR/good.csv'],
      want: /--recommendations-out and --html both name \S+out: write them to two files/,
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

  it('names what it does not replay of a policy', async () => {
    const [policy = '', trace = ''] = ['replayed.yaml', 'good.csv'].map((name) =>
      join(folder, name),
    );
    const { code, stdout, stderr } = await rightsize(['backtest', `--policy=${policy}`, trace]);
    assert.equal(stderr, 'not replayed from the policy: bounds, history.window\n');
    const said = '1 series left out: shorter than 1.5 days\nverdict: too little data\n';
    assert.deepEqual({ code, stdout }, { code: 3, stdout: said });
  });

  for (const args of [
    ['--help'],
    ['recommend', '--help'],
    ['backtest', '--help'],
    ['operator', '--help'],
    ['--version'],
  ]) {
    it(`answers ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await rightsize(args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, args.includes('--help') ? /^Usage: rightsize/ : /^\d+\.\d+\.\d+\n$/);
      if (args.length > 1) assert.match(stdout, /\nExit codes: /);
      assert.doesNotMatch(stdout, /default: \[\]/);
    });
  }
});
