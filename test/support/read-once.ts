import { readFileSync } from 'node:fs';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';

/** What one reading in a process of its own came to. */
export interface ReadOnce {
  readonly reasons: readonly string[];
  readonly messages: readonly string[];
  /** Those with usage. */
  readonly containers: readonly string[];
  /** The most that the process had in memory. */
  readonly peakBytes: number;
}

const [, , text = ''] = process.argv;
const workload = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const toSeconds = Math.floor(Date.now() / 3_600_000) * 3600;
const source = createPrometheusSource(JSON.parse(text) as SourceOptions);
const { failures, usage } = await source.read(
  {
    targets: [{ workload, pods: ['web-1'] }],
    siblings: [workload],
    fromSeconds: toSeconds - 3600,
    toSeconds,
  },
  AbortSignal.timeout(60_000),
);
source.close();
const found: ReadOnce = {
  reasons: [...failures.values()].map(({ reason }) => reason),
  messages: [...failures.values()].map(({ message }) => message),
  containers: [...usage.values()].flatMap((each) => [...each.keys()]),
  peakBytes: peakBytes(),
};
process.stdout.write(JSON.stringify(found));

/** Of this program: `maxRSS` would also be that of the one that started it. */
function peakBytes(): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kib) * 1024;
}
