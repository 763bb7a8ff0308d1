import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const DEPLOY = join(import.meta.dirname, '../../deploy');
/** What the image has as its command `rightsize`. */
export const LAUNCHER = join(DEPLOY, 'rightsize');

/** The flags of Node that the image runs with, and its program, by its path from the root of what was compiled. */
export function commandOfImage(): { readonly flags: readonly string[]; readonly program: string } {
  const [, words = ''] = /^exec node (.*) "\$@"$/m.exec(readFileSync(LAUNCHER, 'utf8')) ?? [];
  const flags = words.split(' ');
  const program = flags.pop() ?? '';
  if (!program.startsWith('/app/')) throw new Error(`${LAUNCHER} runs no program of the image`);
  return { flags, program: program.slice('/app/'.length) };
}
