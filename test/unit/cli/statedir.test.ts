import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../../src/controller/ports.ts';
import { usageStore } from '../../../src/cli/statedir.ts';

describe('the folder for usage', () => {
  const warnings: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => assert.fail('there is nothing to say'),
    warn: (_, message) => warnings.push(message),
    error: () => assert.fail('it is no error'),
  };
  const store = (stateDir: string) => usageStore({ stateDir }, { url: 'http://p' }, log);
  beforeEach(() => {
    warnings.length = 0;
  });

  it('is made with those it lies in, and nothing is left in it', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'rightsize-statedir-'));
    try {
      const folder = join(parent, 'some/where');
      assert.ok(store(folder));
      assert.deepEqual(await readdir(folder), []);
      assert.ok(store(folder), 'also where it is there');
      assert.deepEqual(warnings, []);
    } finally {
      await rm(parent, { recursive: true });
    }
  });

  it('may be one that nothing can be written to now, which is said', () => {
    assert.ok(store('/sys/rightsize'));
    assert.deepEqual(warnings, [
      'usage cannot be kept there, so that a restart reads all: mount a volume that can be written to',
    ]);
  });
});
