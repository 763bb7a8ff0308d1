// Says on stdout which Docker engine answers: `node engine.ts`. Ends with 1 when none does.
import { getContainerRuntimeClient } from 'testcontainers';

const LONGEST_MS = 20_000;

const deadline = setTimeout(() => process.exit(1), LONGEST_MS);
try {
  const { info } = await getContainerRuntimeClient();
  const { serverVersion, operatingSystem } = info.containerRuntime;
  process.stdout.write(`${serverVersion} on ${operatingSystem}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  clearTimeout(deadline);
}
