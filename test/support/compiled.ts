import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = join(ROOT, 'node_modules');
const COMPILER = join(PACKAGES, 'typescript/bin/tsc');

/** Programs of this repository as JavaScript, compiled as the image has the operator, in a folder of their own. */
export class Compiled implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** What a `tsconfig` names, given by its path within the repository; an interrupt rejects, and leaves nothing behind. */
  static async build(config: string, interrupt?: AbortSignal): Promise<Compiled> {
    const compiled = new Compiled(await mkdtemp(join(tmpdir(), 'rightsize-compiled-')));
    const args = ['--project', join(ROOT, config), '--outDir', compiled.#folder];
    try {
      await promisify(execFile)(process.execPath, [COMPILER, ...args], { signal: interrupt });
      await symlink(PACKAGES, join(compiled.#folder, 'node_modules'));
      return compiled;
    } catch (cause) {
      await compiled[Symbol.asyncDispose]();
      interrupt?.throwIfAborted();
      // The compiler tells of its errors on stdout.
      const told = cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : '';
      throw new Error(`${config} does not compile: ${told}`, { cause });
    }
  }

  /** Of `src/main.js`, or another one. */
  pathOf(program: string): string {
    return join(this.#folder, program);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
