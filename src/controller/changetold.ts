import type { Resource } from '../recommend/usage.ts';
import type { Lane, Method } from '../resize/changes.ts';
import type { PatchedContainer } from '../resize/podplan.ts';
import type { ChangeSink } from './changeports.ts';
import { workloadKey, type EventSink, type Log, type Workload } from './ports.ts';
import { quantities } from './status.ts';

/** Where changes are told: the log, events on the workload, metrics. */
export interface Telling {
  readonly events: EventSink;
  readonly log: Log;
  readonly sink: ChangeSink;
}

export interface MadeChange {
  readonly workload: Workload;
  /** Undefined: the template. */
  readonly podName: string | undefined;
  readonly lane: Lane;
  readonly method: Method;
  readonly why: string;
  readonly containers: readonly PatchedContainer[];
  readonly pods: number;
  /** Of a rescue: since when what it is for was seen. */
  readonly signalSeconds: number | undefined;
}

const MADE: Readonly<Record<Method, { readonly reason: string; readonly verb: string }>> = {
  Resize: { reason: 'Resized', verb: 'resized' },
  Evict: { reason: 'Evicted', verb: 'evicted' },
  Rollout: { reason: 'RolledOut', verb: 'rolls out' },
  Admission: { reason: 'Admitted', verb: 'sizes' },
};

export function tellMade({ events, log, sink }: Telling, change: MadeChange): void {
  const { workload, podName, lane, method, why, containers, pods, signalSeconds } = change;
  const added = (resource: Resource) =>
    pods *
    containers.reduce((sum, { from, to }) => {
      const [before, after] = [from.requests[resource], to.requests[resource]];
      return before === undefined || after === undefined ? sum : sum + after - before;
    }, 0);
  const fields = { workload: workloadKey(workload.ref), pod: podName, lane, method, why };
  log.info({ ...fields, containers: containers.map(plain) }, 'changed');
  sink.changed({
    lane,
    method,
    outcome: 'Made',
    pods,
    addedCores: added('cpu'),
    addedBytes: added('memory'),
    signalSeconds,
  });
  const { apiVersion, uid, ref } = workload;
  const { reason, verb } = MADE[method];
  const unnamed = method === 'Admission' ? 'new pods' : 'its template';
  const what = podName === undefined ? unnamed : `pod ${podName}`;
  events.record({
    regarding: { apiVersion, uid, ...ref },
    type: lane === 'Return' ? 'Warning' : 'Normal',
    reason: lane === 'Return' ? 'TakenBack' : reason,
    action: method,
    note: `${lane}: ${verb} ${what}: ${why}`,
  });
}

function plain({ name, from, to }: PatchedContainer) {
  const text = ({ requests, limits }: typeof from) => ({
    requests: quantities(requests),
    limits: quantities(limits),
  });
  return { name, from: text(from), to: text(to) };
}

const NOTHING_ADDED = { addedCores: 0, addedBytes: 0, signalSeconds: undefined };

/** What the server would not do; `answer.kind` says how it said so. */
export function tellRefused(
  { log, sink }: Telling,
  { workload, podName, lane, method, pods }: Omit<MadeChange, 'containers' | 'why'>,
  answer: { readonly kind: string; readonly message?: string },
): void {
  const { kind: answered, message } = answer;
  log.warn(
    { workload: workloadKey(workload.ref), pod: podName, lane, method, answered },
    message ?? 'not changed',
  );
  if (answered === 'Stale' || answered === 'Gone') return;
  sink.changed({ lane, method, outcome: 'Refused', pods, ...NOTHING_ADDED });
}
