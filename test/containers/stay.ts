// Starts a server in a container, writes the engine's address into FILE, and stays for so many seconds, then ends
// with the exit code: `node stay.ts FILE [SECONDS EXITCODE]`. leftovers.sh ends it in every way.
import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { GenericContainer, Wait } from 'testcontainers';
import { serverImage } from './images.ts';

const LONGEST_SECONDS = 300;

const [file, seconds = LONGEST_SECONDS, code = 0] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: stay.ts FILE [SECONDS EXITCODE]');
const image = await serverImage({ program: 'victoria-metrics', variable: '' });
await new GenericContainer(image.name)
  .withCommand(['-storageDataPath=/data'])
  .withExposedPorts(8428)
  .withWaitStrategy(Wait.forHttp('/health', 8428))
  .start();
await writeFile(file, process.env['DOCKER_HOST'] ?? '');
await wait(1000 * Number(seconds));
process.exit(Number(code));
