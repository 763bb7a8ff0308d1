import type { UsageQuery } from '../../src/controller/ports.ts';
import type { Folding } from '../../src/prometheus/folds.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { ValueRow } from '../../src/recommend/rows.ts';

/** Each sample as it was folded: pod, unix seconds, amount. */
export interface Collected {
  readonly stepSeconds: number;
  readonly cpu: (readonly [pod: string, timeSeconds: number, cores: number])[];
  readonly memory: (readonly [pod: string, timeSeconds: number, bytes: number])[];
  readonly signals: { timeSeconds: number; signals: unknown }[];
}

/** Keeps what comes, of raw samples by the minute. */
export const COLLECTING: Folding<Collected> = {
  withSignals: true,
  rawStepSeconds: 60,
  open(stepSeconds) {
    const all: Collected = { stepSeconds, cpu: [], memory: [], signals: [] };
    return {
      sink: {
        ofPod: (pod) => ({
          addCpu: (timeSeconds, cores) => all.cpu.push([pod, timeSeconds, cores]),
          addMemory: (timeSeconds, bytes) => all.memory.push([pod, timeSeconds, bytes]),
          cpuRow: (window) =>
            new ValueRow(window, (timeSeconds, cores) => all.cpu.push([pod, timeSeconds, cores])),
          memoryRow: (window) =>
            new ValueRow(window, (timeSeconds, bytes) =>
              all.memory.push([pod, timeSeconds, bytes]),
            ),
        }),
        addSignals: (timeSeconds, signals) => all.signals.push({ timeSeconds, signals }),
      },
      close: () => all,
    };
  },
};

/** Reads of a bare workload in the namespace `odd`, whose pods are named. */
export async function collect(
  options: SourceOptions,
  pods: readonly string[],
  window: Pick<UsageQuery, 'fromSeconds' | 'toSeconds'>,
): Promise<Collected> {
  const workload = { namespace: 'odd', kind: 'Deployment', name: 'odd' } as const;
  const source = createPrometheusSource(options);
  try {
    const reading = await source.readAs(
      COLLECTING,
      { targets: [{ workload, pods }], siblings: [workload], ...window },
      AbortSignal.timeout(60_000),
    );
    const [failure] = reading.failures.values();
    if (failure !== undefined) throw new Error(`${failure.reason}: ${failure.message}`);
    const found = [...reading.usage.values()][0]?.get('app');
    if (found === undefined) throw new Error('nothing was read');
    return found;
  } finally {
    source.close();
  }
}
