// Writes an image of one layer as an OCI archive, for `ctr images import`, without a registry or a Docker engine:
//   node ociimage.ts OUT.tar NAME:TAG ENTRYPOINT ENTRY...
// ENTRY is SOURCE=TARGET for an executable file, or @DESTINATION=TARGET for a symbolic link.
// The same input gives the same bytes: no time, owner or compressor's version goes into it.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'link' | 'directory';
  readonly mode: number;
  readonly content: Buffer;
  readonly destination: string;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const tarBlockBytes = 512;
const tarTypeFlag = { file: '0', link: '2', directory: '5' } as const;
const tarNameBytes = 100;

function file(path: string, content: Buffer, mode = 0o755): TarEntry {
  return { path, kind: 'file', mode, content, destination: '' };
}

function directory(path: string, mode = 0o755): TarEntry {
  return { path, kind: 'directory', mode, content: Buffer.alloc(0), destination: '' };
}

function link(path: string, destination: string): TarEntry {
  return { path, kind: 'link', mode: 0o777, content: Buffer.alloc(0), destination };
}

/** The 512-byte header of POSIX ustar. The checksum is the sum of its bytes with the checksum's own field blank. */
function tarHeader(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.path) > tarNameBytes) {
    throw new Error(`write ${entry.path} into the image: its path has more than 100 bytes`);
  }
  const header = Buffer.alloc(tarBlockBytes);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  };
  header.write(entry.path, 0);
  octal(entry.mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(entry.content.length, 124, 11);
  octal(0, 136, 11);
  header.write(' '.repeat(8), 148);
  header.write(tarTypeFlag[entry.kind], 156);
  header.write(entry.destination, 157);
  header.write('ustar\x0000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const padding = -entry.content.length & (tarBlockBytes - 1);
    return [tarHeader(entry), entry.content, Buffer.alloc(padding)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * tarBlockBytes)]);
}

function blob(mediaType: string, content: Buffer): Blob {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { mediaType, digest, size: content.length };
}

async function layerEntry(argument: string): Promise<TarEntry> {
  const [, isLink, from, to] = /^(@?)([^=]+)=\/?(.+)$/.exec(argument) ?? [];
  if (from === undefined || to === undefined) {
    throw new Error(`read ${argument}: want SOURCE=TARGET or @DESTINATION=TARGET`);
  }
  return isLink === '@' ? link(to, from) : file(to, await readFile(from));
}

/** The archive's bytes. `name` is the image's full name with its tag, as pods will give it. */
function ociArchive(name: string, entrypoint: string, entries: readonly TarEntry[]): Buffer {
  const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'sys'].map((path) => directory(path));
  const layer = tar([directory('tmp', 0o1777), ...folders, ...entries]);
  // An uncompressed layer's digest is its diff_id too.
  const layerBlob = blob('application/vnd.oci.image.layer.v1.tar', layer);
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const config = json({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: [entrypoint], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [layerBlob.digest] },
  });
  const configBlob = blob('application/vnd.oci.image.config.v1+json', config);
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: configBlob,
    layers: [layerBlob],
  });
  const manifestBlob = blob(manifestType, manifest);
  const annotations = { 'io.containerd.image.name': name };
  const index = json({ schemaVersion: 2, manifests: [{ ...manifestBlob, annotations }] });
  const stored = (of: Blob, content: Buffer): TarEntry =>
    file(`blobs/${of.digest.replace(':', '/')}`, content, 0o644);
  return tar([
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' }), 0o644),
    file('index.json', index, 0o644),
    stored(configBlob, config),
    stored(layerBlob, layer),
    stored(manifestBlob, manifest),
  ]);
}

const [out, name, entrypoint, ...entryArguments] = process.argv.slice(2);
if (out === undefined || name === undefined || entrypoint === undefined) {
  throw new Error('usage: ociimage.ts OUT.tar NAME:TAG ENTRYPOINT ENTRY...');
}
const entries = await Promise.all(entryArguments.map(layerEntry));
await writeFile(out, ociArchive(name, entrypoint, entries));
