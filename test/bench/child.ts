import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { parseMemory } from '../../src/api/quantity.ts';
import { commandOfImage, DEPLOY } from '../support/image.ts';

const DOCKERFILE = join(DEPLOY, 'Dockerfile');
const DEPLOYMENT = join(DEPLOY, 'base/deployment.yaml');

/** Of the memory that its container may have, Node takes this share for what lives long in its heap. */
const HEAP_SHARE = 0.5;

/**
 * The flags of Node and the environment that the image runs the operator with, and the heap that Node takes in the
 * container that `deploy` asks for: what is measured has them too. (The flag is for threads as well, so that the one
 * that folds may take more than the operator lets it.)
 */
export function asInImage(): { readonly execArgv: string[]; readonly env: NodeJS.ProcessEnv } {
  const heap = `--max-old-space-size=${Math.round((HEAP_SHARE * memoryLimit()) / 2 ** 20)}`;
  return {
    execArgv: [...process.execArgv, ...commandOfImage().flags, heap],
    env: { ...process.env, ...environmentOf(readFileSync(DOCKERFILE, 'utf8')) },
  };
}

/** What the ENV lines of the last stage set. */
function environmentOf(dockerfile: string): Readonly<Record<string, string>> {
  const [stage = ''] = dockerfile.split(/^FROM /m).slice(-1);
  const lines = [...stage.matchAll(/^ENV (.*)$/gm)].map(([, line = '']) => line);
  return Object.fromEntries(
    lines.flatMap((line) =>
      [...line.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
}

/** In bytes. */
function memoryLimit(): number {
  const at = ['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits', 'memory'];
  const limit = parseDocument(readFileSync(DEPLOYMENT, 'utf8')).getIn(at);
  if (typeof limit !== 'string') throw new Error(`${DEPLOYMENT} states no limit of memory`);
  return parseMemory(limit);
}

/**
 * Waits until a child has ended; an interrupt ends it. Rejects for another exit code than 0, with `what` it was, and for
 * an interrupt with its reason. To be called at once after the child was started.
 */
export async function ended(
  child: ChildProcess,
  what: string,
  interrupt: AbortSignal,
): Promise<void> {
  const end = (): void => void child.kill();
  if (interrupt.aborted) end();
  else interrupt.addEventListener('abort', end, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => reject(new Error(`${what}: ${cause.message}`, { cause })));
      child.once('close', resolve);
    });
    interrupt.throwIfAborted();
    if (code !== 0) throw new Error(`${what} ended with ${code ?? 'a signal'}`);
  } finally {
    interrupt.removeEventListener('abort', end);
  }
}
