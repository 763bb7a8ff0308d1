import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RECOMMENDATIONS = 'rightsize.dev_recommendations.yaml';

function crdgen(...args: readonly string[]): { code: number | null; out: string; error: string } {
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const run = spawnSync(process.execPath, ['src/api/crdgen.ts', ...args], options);
  return { code: run.status, out: run.stdout, error: run.stderr };
}

describe('the generator of definitions', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'crds-'));
    cpSync('crds', folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds the committed files up to date', () => {
    assert.deepEqual(crdgen('--check'), { code: 0, out: '', error: '' });
  });

  it('names a file that was changed by hand, and exits 1', () => {
    appendFileSync(join(folder, RECOMMENDATIONS), '# changed\n');
    const want = `${folder}/${RECOMMENDATIONS} does not match src/api; run: make generate\n`;
    assert.deepEqual(crdgen('--check', folder), { code: 1, out: '', error: want });
  });

  it('names a file that is missing, and exits 1', () => {
    rmSync(join(folder, RECOMMENDATIONS));
    const { code, error } = crdgen('--check', folder);
    assert.equal(code, 1);
    assert.match(error, /rightsize\.dev_recommendations\.yaml does not match/);
  });

  it('writes back only what differs', () => {
    const file = join(folder, RECOMMENDATIONS);
    appendFileSync(file, '# changed\n');
    assert.deepEqual(crdgen(folder), { code: 0, out: `wrote ${file}\n`, error: '' });
    assert.equal(readFileSync(file, 'utf8'), readFileSync(`crds/${RECOMMENDATIONS}`, 'utf8'));
  });
});
