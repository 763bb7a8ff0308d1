import type { ChangeSink } from './changeports.ts';
import type { Judged } from './judging.ts';
import { workloadKey, type EventSink, type Log, type Workload } from './ports.ts';

/** Tells what became of changes that were watched, once that is on record. */
export function tellJudged(
  workload: Workload,
  judged: readonly Judged[],
  {
    log,
    events,
    sink,
  }: { readonly log: Log; readonly events: EventSink; readonly sink: ChangeSink },
): void {
  for (const { record, outcome, story } of judged) {
    const { lane, method, pods } = record;
    const nothing = { addedCores: 0, addedBytes: 0, signalSeconds: undefined };
    sink.changed({ lane, method, outcome, pods, ...nothing });
    const isQuiet = outcome === 'Fine' || outcome === 'Unseen';
    const level = isQuiet ? 'info' : 'warn';
    log[level]({ workload: workloadKey(workload.ref), lane, method, outcome, story }, 'judged');
    if (isQuiet) continue;
    const { apiVersion, uid, ref } = workload;
    events.record({
      regarding: { apiVersion, uid, ...ref },
      type: 'Warning',
      reason: outcome === 'TakenBack' ? 'ChangeDidHarm' : 'ChangeFailed',
      action: method,
      note: story ?? outcome,
    });
  }
}
