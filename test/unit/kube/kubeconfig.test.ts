import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';

const NAMES = ['KUBECONFIG', 'HOME'] as const;

function kubeconfig(name: string): string {
  return `
clusters: [{name: ${name}, cluster: {server: "https://${name}.example"}}]
users: [{name: ${name}, user: {tokenFile: token}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}}}]
current-context: ${name}
`;
}

describe('the kubeconfig', () => {
  let folder = '';
  const before = new Map<string, string | undefined>();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-kubeconfig-'));
    for (const name of NAMES) before.set(name, process.env[name]);
    delete process.env['KUBECONFIG'];
    process.env['HOME'] = folder;
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true });
  });

  function write(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  const serverOf = (path?: string) => loadKubeConfig(path).getCurrentCluster()?.server;

  it('is the stated file', () => {
    process.env['KUBECONFIG'] = write('env', kubeconfig('env'));
    assert.equal(serverOf(write('stated', kubeconfig('stated'))), 'https://stated.example');
  });

  it('is else that of KUBECONFIG, where a missing file of several does no harm', () => {
    const files = [join(folder, 'absent'), write('first', kubeconfig('first'))];
    process.env['KUBECONFIG'] = [...files, write('second', kubeconfig('second'))].join(delimiter);
    assert.equal(serverOf(), 'https://first.example');
  });

  it('takes a token file from beside the kubeconfig', () => {
    const user = loadKubeConfig(write('stated', kubeconfig('stated'))).getCurrentUser();
    assert.deepEqual(user?.authProvider, {
      name: 'tokenFile',
      config: { tokenFile: join(folder, 'token') },
    });
  });

  const refusals: Readonly<Record<string, { prepare: () => string | undefined; want: RegExp }>> = {
    'there is none': {
      prepare: () => undefined,
      want: /^no kubeconfig: name one with --kubeconfig FILE or KUBECONFIG/,
    },
    'the stated file is missing': {
      prepare: () => join(folder, 'absent'),
      want: /^cannot read kubeconfig .*absent: ENOENT/,
    },
    'it is not YAML': {
      prepare: () => write('broken', 'clusters: [\n'),
      want: /^cannot read kubeconfig .*broken: [^\n]*$/,
    },
    'it is empty': {
      prepare: () => write('empty', ''),
      want: /^(cannot read kubeconfig .*empty: [^\n]*|kubeconfig .*empty has no usable.*)$/,
    },
    'it names no context': {
      prepare: () => write('no-context', kubeconfig('a').replace(/current-context.*/, '')),
      want: /^kubeconfig .*no-context has no usable current-context; set one with kubectl config/,
    },
  };
  for (const [what, { prepare, want }] of Object.entries(refusals)) {
    it(`says in one line what is wrong when ${what}`, () => {
      const path = prepare();
      assert.throws(() => loadKubeConfig(path), { kind: 'CredentialsInvalid', message: want });
    });
  }
});
