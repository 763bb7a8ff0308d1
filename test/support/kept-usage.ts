import type { KeptUsage } from '../../src/controller/usagestore.ts';
import { HistoryFold } from '../../src/recommend/history.ts';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { NOW } from './builders.ts';

const WINDOW = 14 * DAY_SECONDS;

/** So many workloads, of one container each, as a keeper hands them to its store. */
export function keptUsage(count: number): readonly KeptUsage[] {
  return Array.from({ length: count }, (_, index) => {
    const fold = new HistoryFold(300);
    const pod = fold.ofPod('pod');
    for (let at = NOW - 2 * DAY_SECONDS; at < NOW; at += 300) {
      pod.addCpu(at, 0.1 + (at % 7) / 100 + index);
      pod.addMemory(at, 2 ** 28 + index);
    }
    const packed = fold.packed();
    if (packed === undefined) throw new Error('nothing was packed');
    return {
      ref: { namespace: `namespace-${index % 10}`, kind: 'Deployment', name: `workload-${index}` },
      windowSeconds: WINDOW,
      readToSeconds: NOW,
      nextGapsSeconds: NOW + DAY_SECONDS,
      nextAllGapsSeconds: NOW + 7 * DAY_SECONDS,
      containers: new Map([['main', packed]]),
    };
  });
}
