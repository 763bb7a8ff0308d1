// Runs every check, also after one has failed, and says at the end which have: `npm run check`.
import { spawnSync } from 'node:child_process';

const CHECKS = ['generated', 'types', 'lint', 'format', 'architecture', 'unused'] as const;
/** Lint takes two minutes of two quiet cores, and many more where others are at work. */
const LONGEST_MS = 900_000;

const failed = CHECKS.filter((check) => {
  const { status } = spawnSync('npm', ['run', '--silent', `check:${check}`], {
    stdio: 'inherit',
    timeout: LONGEST_MS,
  });
  return status !== 0;
});
if (failed.length > 0) {
  process.stderr.write(`check failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
