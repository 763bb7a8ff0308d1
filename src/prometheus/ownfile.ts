import { readFile } from 'node:fs/promises';
import { PrometheusError } from './prometheuserror.ts';

/** The text of a file that a call needs. Rejects with a PrometheusError that names it, or on abort. */
export async function readOwnFile(
  what: string,
  file: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    return (await readFile(file, { encoding: 'utf8', signal })).trim();
  } catch (cause) {
    signal.throwIfAborted();
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw unfitFile({ what, file }, code);
  }
}

interface OwnFile {
  readonly what: string;
  readonly file: string;
}

/** Never says what is in the file: it may be a secret. */
export function unfitFile(
  { what, file }: OwnFile,
  problem: string,
  more: Pick<Partial<PrometheusError>, 'todo' | 'retry'> = {},
): PrometheusError {
  const message = `read the ${what} file ${file} for Prometheus: ${problem}`;
  return new PrometheusError('PrometheusUnreachable', message, { isOfOwnFile: true, ...more });
}
