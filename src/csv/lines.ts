import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const CHUNK_BYTES = 64 * 1024;
/** A line of the format has about 60 characters; a file without line ends is not one of it. */
const LONGEST_LINE = 64 * 1024;

/** `traces/nab-aws.csv.gz` → `nab-aws`. */
export function datasetName(file: string): string {
  return basename(file).replace(/(\.csv)?(\.gz)?$/i, '');
}

/** The lines of a file, chunk by chunk, plain or gzip, without their ends. Rejects with the file's name. */
export async function* traceLines(
  file: string,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  let rest = '';
  try {
    const stream = await openText(file, signal);
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) throw new Error('a line is too long for a trace');
      yield lines;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(`read ${file}: ${reasonOf(cause)}`, { cause });
  }
  if (rest !== '') yield [rest];
}

async function openText(file: string, signal: AbortSignal): Promise<Readable> {
  const isPacked = await hasGzipMagic(file);
  const bytes = createReadStream(file, { highWaterMark: CHUNK_BYTES, signal });
  if (!isPacked) return bytes.setEncoding('utf8');
  // The consumer sees the error of either stream at the end of the pipeline, so nothing is left to handle here.
  const text = pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined);
  return text.setEncoding('utf8');
}

async function hasGzipMagic(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'Z_BUF_ERROR':
      return 'the gzip data is cut short';
    case 'Z_DATA_ERROR':
      return 'the gzip data is damaged';
    default:
      return cause instanceof Error ? cause.message : 'it cannot be read';
  }
}
