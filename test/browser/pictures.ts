// Draws docs/pictures from the real traces (TRACES, by default ../shared/traces beside the repository).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picturesOfTraces } from '../support/pictures.ts';

const FOLDER = join(import.meta.dirname, '../../docs/pictures');

mkdirSync(FOLDER, { recursive: true });
for (const [name, picture] of await picturesOfTraces()) {
  writeFileSync(join(FOLDER, name), picture);
  process.stdout.write(`${name} ${(Buffer.byteLength(picture) / 1000).toFixed(1)} kB\n`);
}
