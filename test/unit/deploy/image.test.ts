import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOfImage, DEPLOY, LAUNCHER } from '../../support/image.ts';

const DOCKERFILE = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8');
const [RUNNING = ''] = DOCKERFILE.split(/^FROM /m).slice(-1);

/** Where container runtimes look for a command, unless an image says otherwise. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'.split(':');

describe('the image', () => {
  it('has a command `rightsize`, which is also what it runs', () => {
    const [, target = ''] = /^COPY deploy\/rightsize (\S+)$/m.exec(RUNNING) ?? [];
    assert.ok(USUAL_PATH.some((folder) => target === `${folder}/rightsize`));
    assert.match(RUNNING, new RegExp(`^ENTRYPOINT \\["${target}"\\]$`, 'm'));
    const sent = readFileSync(join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    assert.ok(sent.includes('!deploy/rightsize'));
    assert.equal(statSync(LAUNCHER).mode & 0o555, 0o555, 'it may be run by everyone');
  });

  it('runs the program that was compiled into it', () => {
    const { program } = commandOfImage();
    assert.match(RUNNING, /^WORKDIR \/app$/m);
    assert.match(RUNNING, /^COPY --from=build \/app\/dist\/src \.\/src$/m);
    assert.ok(existsSync(join(DEPLOY, '..', program.replace(/\.js$/, '.ts'))));
  });

  it('hands flags to the program as they are, and its own to Node', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rightsize-image-'));
    try {
      const node = '#!/bin/sh\nprintf \'%s\\n\' "$@"\n';
      writeFileSync(join(folder, 'node'), node, { mode: 0o755 });
      const args = ['doctor', '--prometheus-header=a=b c', '$HOME', ''];
      const env = { PATH: `${folder}:/usr/bin:/bin` };
      const words = execFileSync(LAUNCHER, args, { cwd: '/', env, encoding: 'utf8' });
      const { flags, program } = commandOfImage();
      assert.deepEqual(words.split('\n'), [...flags, `/app/${program}`, ...args, '']);
      assert.ok(flags.length > 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has flags that Node knows', () => {
    const { flags } = commandOfImage();
    const args = [...flags, '-e', 'console.log("fine")'];
    assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'fine\n');
  });
});
