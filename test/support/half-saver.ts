// Saves usage to a folder and stops half-way, with a part of the file written; it waits there to be killed.
//   node test/support/half-saver.ts FOLDER
import { setTimeout } from 'node:timers/promises';
import { identityOf } from '../../src/state/identity.ts';
import { writeUsage } from '../../src/state/format.ts';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { keptUsage } from './kept-usage.ts';

const [, , folder = ''] = process.argv;
const file = await open(join(folder, 'usage.state.writing'), 'w');
let bytes = 0;
await writeUsage(file, await identityOf({ url: 'http://prometheus:9090', matchers: [] }), half());

function* half(): Generator<ReturnType<typeof keptUsage>[number]> {
  for (const kept of keptUsage(4000)) {
    bytes += kept.containers.get('main')?.length ?? 0;
    if (bytes > 1.5 * 2 ** 20) {
      process.stdout.write('half\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
    }
    yield kept;
  }
}

await setTimeout(60_000);
