import type { ChangeRecord } from '../resize/changes.ts';
import type { Plan } from '../resize/planned.ts';
import type { PodState } from '../resize/pod.ts';
import type { TemplateChange } from '../resize/template.ts';
import type { ActingSaid } from './actingstatus.ts';
import type { Judged } from './judging.ts';
import type { At } from './podhands.ts';
import type { Statement } from './statedsizes.ts';

/** What one workload is to get, tried on the server and not made yet. */
export interface Prepared {
  /** Undefined where the mode changes no pod. */
  readonly said: ActingSaid | undefined;
  /** To be on record before anything is made. */
  readonly records: readonly ChangeRecord[];
  /** When to look again though nothing has changed, in seconds from now; undefined: no need. */
  readonly againSeconds: number | undefined;
  /** Changes that were watched, to be told once it is on record. */
  readonly judged: readonly Judged[];
  readonly plan: Pick<Plan, 'patches' | 'evictions'>;
  /** Undefined where the mode changes no template. */
  readonly template: PreparedTemplate | undefined;
  readonly at: At;
  /** Gives back what it holds of the cluster's budget. */
  readonly release: () => void;
}

/** Of the changes of a workload whose outcomes are known by now. */
export interface KnownOfTemplate {
  readonly states: readonly PodState[];
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
  /** When the newest thing was seen that a rescue would be for. */
  readonly signalSeconds: number | undefined;
}

/** What the template is to get, tried on the server and not made yet. */
export interface PreparedTemplate {
  readonly said: ActingSaid;
  /** To be on record before it is made; a way back is already. */
  readonly record: ChangeRecord | undefined;
  readonly againSeconds: number | undefined;
  readonly change: StatedChange | undefined;
  readonly known: KnownOfTemplate;
  readonly release: () => void;
}

interface StatedChange extends TemplateChange, Pick<Statement, 'stated'> {
  /** Of what was planned, by which a refusal is remembered. */
  readonly key: string;
}
