// Keeps the usage of workloads as the operator does, with the real source and the real state file, until it is killed.
//   node test/support/keep-usage.ts '{"url": …, "folder": …, "workloads": […], "windowSeconds": …}'
import { aKnownPod } from './builders.ts';
import { UsageKeeper } from '../../src/controller/usage.ts';
import type { WorkloadRef } from '../../src/controller/ports.ts';
import type { UsageStore } from '../../src/controller/usagestore.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { UsageFile } from '../../src/state/usagefile.ts';
import { SYSTEM_CLOCK } from '../../src/cli/clock.ts';

export interface KeepUsage {
  readonly url: string;
  readonly folder: string;
  readonly workloads: readonly WorkloadRef[];
  readonly windowSeconds: number;
}

/** What was asked for until all was read, and saved where that is due; a line of the output. */
export interface KeptSoFar {
  readonly what: 'read' | 'saved';
  readonly bytes: number;
  readonly samples: number;
  /** Workloads with usage of all of the window. */
  readonly known: number;
  readonly warnings: readonly string[];
}

const [, , text = ''] = process.argv;
const { url, folder, workloads, windowSeconds } = JSON.parse(text) as KeepUsage;
let bytes = 0;
let samples = 0;
const warnings: string[] = [];
const source = createPrometheusSource({
  url,
  reader: 'auto',
  onCall: (call) => {
    bytes += call.bytes;
    samples += call.samples;
  },
});
const say = (_: unknown, message: string): void => void warnings.push(message);
const log = { debug: say, info: say, warn: say, error: say };
const file = new UsageFile({ folder, source: { url, matchers: [] }, log, clock: SYSTEM_CLOCK });
const store: UsageStore = {
  load: () => file.load(),
  async save(usage) {
    await file.save(usage);
    tell('saved');
  },
};
const keeper = new UsageKeeper({
  source,
  store,
  clock: SYSTEM_CLOCK,
  intervalSeconds: 3600,
  podsOf: ({ name }) => [aKnownPod(`${name}-0`)],
  siblingsOf: () => workloads,
  onRead: () => tell('read'),
  onWarning: ({ message }) => warnings.push(message),
  random: () => 0.5,
});
for (const ref of workloads) keeper.want(ref, windowSeconds);
// It waits here to be killed.
setInterval(() => undefined, 60_000);

function tell(what: KeptSoFar['what']): void {
  const known = workloads.filter((ref) => {
    const { isRead, containers } = keeper.want(ref, windowSeconds);
    const days = [...containers.values()][0]?.days.length ?? 0;
    return isRead && days >= windowSeconds / 86_400;
  }).length;
  const told: KeptSoFar = { what, bytes, samples, known, warnings };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
