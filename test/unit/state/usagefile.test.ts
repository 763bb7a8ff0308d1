import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { KeptUsage } from '../../../src/controller/usagestore.ts';
import type { StateSource } from '../../../src/state/identity.ts';
import { UsageFile } from '../../../src/state/usagefile.ts';
import { NOW } from '../../support/builders.ts';
import { keptUsage } from '../../support/kept-usage.ts';

const SOURCE = { url: 'http://prometheus:9090', matchers: [] };

describe('the state file', function () {
  this.timeout(30_000);
  let folder: string;
  let said: string[];
  const path = () => join(folder, 'usage.state');
  const store = (source: StateSource = SOURCE) => {
    const say = (fields: unknown, message: string) =>
      said.push(`${message} ${JSON.stringify(fields)}`);
    const log = { debug: say, info: say, warn: say, error: say };
    return new UsageFile({ folder, source, log, clock: { nowSeconds: () => NOW } });
  };
  const others = () => readdirSync(folder).filter((name) => name !== 'usage.state');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-state-'));
    said = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function saved(usage: readonly KeptUsage[] = keptUsage(5)): Promise<readonly KeptUsage[]> {
    await store().save(usage);
    return usage;
  }

  it('gives back what was saved', async () => {
    const usage = await saved();
    assert.deepEqual(await store().load(), usage);
    assert.deepEqual(others(), []);
  });

  it('gives back nothing where nothing was saved, and nothing of it is said', async () => {
    assert.deepEqual(await store().load(), []);
    assert.deepEqual(said, []);
  });

  it('gives back no workloads where none was known, and what takes more than a part to write', async () => {
    await saved([]);
    assert.deepEqual(await store().load(), []);
    const many = await saved(keptUsage(2500));
    assert.ok(readFileSync(path()).length > 2 ** 20);
    assert.deepEqual(await store().load(), many);
  });

  it('says when it was saved, also over a restart, and not of one that is not used', async () => {
    const file = store();
    assert.equal(file.savedSeconds, 0);
    await file.save(keptUsage(1));
    assert.equal(file.savedSeconds, NOW);
    utimesSync(path(), NOW - 600, NOW - 600);
    const next = store();
    await next.load();
    assert.equal(next.savedSeconds, NOW - 600);
    const foreign = store({ ...SOURCE, url: 'http://other:9090' });
    await foreign.load();
    assert.equal(foreign.savedSeconds, 0);
  });

  it('forgets what is not saved again', async () => {
    const usage = await saved();
    await saved(usage.slice(1));
    assert.deepEqual(await store().load(), usage.slice(1));
  });

  it('makes a folder that is missing', async () => {
    rmSync(folder, { recursive: true });
    const usage = await saved();
    assert.deepEqual(await store().load(), usage);
  });

  it('sets a file aside that is damaged anywhere, and says under what name', async () => {
    await saved();
    const whole = readFileSync(path());
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const damaged = Buffer.from(whole);
          damaged[at] = (damaged[at] ?? 0) ^ flip;
          writeFileSync(path(), damaged);
          assert.deepEqual(await store().load(), []);
          assert.equal(existsSync(path()), false);
        },
      ),
    );
    assert.deepEqual(others(), [`usage.state.damaged-${NOW}`]);
    assert.match(said.at(-1) ?? '', new RegExp(`damaged.*usage.state.damaged-${NOW}`));
  });

  it('sets a file aside that ends too early, or goes on', async () => {
    await saved();
    const whole = readFileSync(path());
    for (const length of [0, 1, 20, 56, 60, 64, 65, 1000, whole.length - 8, whole.length - 1]) {
      writeFileSync(path(), whole.subarray(0, length));
      assert.deepEqual(await store().load(), [], `of ${length} bytes`);
    }
    writeFileSync(path(), Buffer.concat([whole, Buffer.alloc(1)]));
    assert.deepEqual(await store().load(), []);
    assert.deepEqual(others(), [`usage.state.damaged-${NOW}`]);
  });

  it('takes no bytes at all for a state file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        writeFileSync(path(), bytes);
        assert.deepEqual(await store().load(), []);
      }),
    );
  });

  it('does not use the file of another Prometheus, or of other matchers', async () => {
    await saved();
    assert.deepEqual(await store({ ...SOURCE, url: 'http://other:9090' }).load(), []);
    assert.deepEqual(others(), [`usage.state.foreign-${NOW}`]);
    await saved();
    assert.deepEqual(await store({ ...SOURCE, matchers: ['cluster=b'] }).load(), []);
    assert.match(said.at(-1) ?? '', /another Prometheus/);
  });

  const OTHERS: Readonly<Record<string, Partial<StateSource>>> = {
    'a header': { headers: { 'X-Scope-OrgID': 'other' } },
    'a parameter': { parameters: [['tenant', 'other']] },
    'a parameter in the URL': { url: 'http://prometheus:9090/?tenant=other' },
    'a user': { user: 'other' },
    'a user in the URL': { url: 'http://other@prometheus:9090' },
  };
  for (const [what, other] of Object.entries(OTHERS)) {
    it(`does not use the file of another tenant, told by ${what}`, async () => {
      await saved();
      assert.deepEqual(await store({ ...SOURCE, ...other }).load(), []);
      assert.deepEqual(others(), [`usage.state.foreign-${NOW}`]);
      assert.match(said.at(-1) ?? '', /tenant/);
    });
  }

  it('does not use the file of another tenant, told by the file of a header', async () => {
    const tenant = join(folder, 'tenant');
    const source = { ...SOURCE, headerFiles: { 'X-Scope-OrgID': tenant } };
    writeFileSync(tenant, 'one\n');
    const usage = keptUsage(1);
    await store(source).save(usage);
    assert.deepEqual(await store(source).load(), usage);
    const running = store(source);
    assert.deepEqual(await running.load(), usage);
    rmSync(tenant);
    assert.deepEqual(await store(source).load(), []);
    assert.match(said.at(-1) ?? '', /cannot be read; all is read anew/);
    writeFileSync(tenant, 'two\n');
    // What the process has in memory is of the first one.
    await running.save(usage);
    assert.deepEqual(await store(source).load(), []);
    assert.match(said.at(-1) ?? '', /tenant/);
  });

  it('uses the file whatever the credentials, the order of parameters and the case of headers', async () => {
    const usage = keptUsage(1);
    await store({
      ...SOURCE,
      headers: { 'X-Scope-OrgID': 'team', Authorization: 'Bearer old' },
      parameters: [
        ['a', '1'],
        ['b', '2'],
      ],
    }).save(usage);
    const same = store({
      ...SOURCE,
      url: 'http://prometheus:9090?b=2',
      headers: { 'x-scope-orgid': 'team', Authorization: 'Bearer new' },
      headerFiles: { authorization: join(folder, 'missing') },
      parameters: [['a', '1']],
    });
    assert.deepEqual(await same.load(), usage);
  });

  it('uses the file whatever the password in the URL, and the order of the matchers', async () => {
    const usage = keptUsage(1);
    await store({ url: 'http://a:b@prometheus:9090/x/', matchers: ['a=1', 'b=2'] }).save(usage);
    const same = store({ url: 'http://a:c@prometheus:9090/x', matchers: ['b=2', 'a=1'] });
    assert.deepEqual(await same.load(), usage);
  });

  it('leaves no credentials in the file', async () => {
    await store({ url: 'http://user:hunter2@prometheus:9090', matchers: [] }).save(keptUsage(1));
    assert.ok(!readFileSync(path()).includes('hunter2'));
  });

  for (const [why, version] of [
    ['older', 0],
    ['newer', 2],
  ] as const) {
    it(`does not use a file of ${why === 'older' ? 'an older' : 'a newer'} version`, async () => {
      await saved();
      const bytes = readFileSync(path());
      bytes.writeUInt32LE(version, 16);
      const { crc32 } = await import('node:zlib');
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 52)), 52);
      writeFileSync(path(), bytes);
      assert.deepEqual(await store().load(), []);
      assert.deepEqual(others(), [`usage.state.${why}-${NOW}`]);
    });
  }

  it('keeps three files that were set aside, the newest', async () => {
    for (const ago of [5, 4, 3, 2]) writeFileSync(`${path()}.damaged-${NOW - ago}`, '');
    writeFileSync(path(), 'x');
    await store().load();
    assert.deepEqual(
      others().sort(),
      [NOW - 3, NOW - 2, NOW].map((seconds) => `usage.state.damaged-${seconds}`),
    );
  });

  it('has what was saved before when it is killed while it saves', async () => {
    const usage = await saved();
    const script = join(import.meta.dirname, '../../support/half-saver.ts');
    const child = spawn(process.execPath, [script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      assert.deepEqual(others(), ['usage.state.writing']);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    assert.ok(readFileSync(`${path()}.writing`).length > 0);
    assert.deepEqual(await store().load(), usage);
    assert.deepEqual(others(), []);
  });

  it('goes on without a file where none can be written or read, and says so', async () => {
    writeFileSync(join(folder, 'file'), '');
    const options = { source: SOURCE, clock: { nowSeconds: () => NOW } };
    const say = (_: unknown, message: string) => said.push(message);
    const log = { debug: say, info: say, warn: say, error: say };
    const nowhere = new UsageFile({ ...options, log, folder: join(folder, 'file', 'below') });
    await nowhere.save(keptUsage(1));
    assert.deepEqual(await nowhere.load(), []);
    assert.match(said[0] ?? '', /could not be saved/);
    assert.equal(said.length, 2);
    assert.equal(nowhere.savedSeconds, 0);
  });
});
