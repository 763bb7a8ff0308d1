import { backoffUntil } from '../resize/backoff.ts';
import { inGateOrder, type Held } from '../resize/gates.ts';
import { patchKey } from '../resize/refused.ts';
import type { PodState } from '../resize/pod.ts';
import {
  planTemplate,
  templateRecord,
  type TemplateChange,
  type TemplateInput,
} from '../resize/template.ts';
import { missingPermission } from './actingfacts.ts';
import { claimRoom, templateInput, type Asked, type PlanAround } from './actinginput.ts';
import type { ActingSaid } from './actingstatus.ts';
import { againSeconds, saidTogether, storyOf } from './actorsays.ts';
import type { Permissions, TemplateAnswer, TemplateChanger } from './changeports.ts';
import { tellMade, tellRefused, type MadeChange, type Telling } from './changetold.ts';
import { workloadKey, type Workload } from './ports.ts';
import type { KnownOfTemplate, Prepared, PreparedTemplate } from './prepared.ts';
import { statement, type TemplateReader } from './statedsizes.ts';

export interface TemplateHandsOptions extends Telling, PlanAround {
  readonly templates: TemplateChanger;
  readonly reader: TemplateReader;
  readonly permissions: Permissions;
  /** False as soon as this instance must not change anything any more. */
  readonly isLeader: () => boolean;
}

/** What is remembered of one template. */
interface Memory {
  /** What the server would not take; the same is not tried again before. */
  readonly refused?: Remembered & { readonly held: Held };
  readonly made?: Remembered;
}

interface Remembered {
  readonly key: string;
  readonly atSeconds: number;
}

/** What somebody else owns, or a quota or an admission plugin refused, may be had a while later. */
const REFUSED_SECONDS = 300;
/** Until a change is seen, by a watch that is slow. */
const SEEN_SECONDS = 60;

/** Decides on pod templates and changes them; each change is tried on the server before it is made. */
export class TemplateHands {
  readonly #options: TemplateHandsOptions;
  readonly #memory = new Map<string, Memory>();

  constructor(options: TemplateHandsOptions) {
    this.#options = options;
  }

  forget(key: string): void {
    this.#memory.delete(key);
  }

  async prepare(
    workload: Workload,
    asked: Asked,
    known: KnownOfTemplate,
    signal: AbortSignal,
  ): Promise<PreparedTemplate> {
    const mayPatch = await this.#options.permissions.may('PatchWorkload', workload, signal);
    const missing = mayPatch ? [] : (['PatchWorkload'] as const);
    const input = templateInput(workload, asked, { ...known, missing }, this.#options);
    const plan = planTemplate(input);
    const patches = plan.change === undefined ? [] : [plan.change];
    claimRoom(workload, { ...plan, patches, podsEach: input.replicas }, known, this.#options);
    const release = this.#options.ledger.reserve(chargeOf(plan.change, input));
    try {
      const weighed = await this.#weighed(workload, plan.change, { input, signal });
      const held = inGateOrder([...plan.held, ...(weighed.held ?? [])]);
      const { change, isUnseen: isUnfinished = false } = weighed;
      const isGoing = change !== undefined || isUnfinished || isOwnRollout(workload, input);
      return {
        said: saidOf({ held, leaking: plan.leaking, isGoing }, input),
        record: change && templateRecord(change, input),
        againSeconds: againSeconds(
          { held, waiting: [] },
          { input, isUnfinished },
          asked.governance,
        ),
        change,
        known,
        release,
      };
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  /** Whether the server took it; its record must have been written. */
  async carryOut(
    workload: Workload,
    prepared: PreparedTemplate | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (prepared?.change === undefined) return false;
    const { change, known } = prepared;
    if (!this.#options.isLeader()) throw new Error('this instance does not lead any more');
    const { lane, why, containers, stated, key } = change;
    const { nowSeconds, signalSeconds: seen } = known;
    const isRescue = lane === 'Rescue' && seen !== undefined;
    const signalSeconds = isRescue ? Math.max(0, nowSeconds - seen) : undefined;
    const { replicas: pods } = workload;
    const of = { workload, podName: undefined, lane, method: 'Rollout', pods } as const;
    const made: MadeChange = { ...of, why, containers, signalSeconds };
    const answer = await this.#options.templates.apply(workload, stated, {
      isDryRun: false,
      signal,
    });
    if (answer.kind === 'Accepted') {
      this.#remember(workload, { made: { key: patchKey(containers), atSeconds: nowSeconds } });
      tellMade(this.#options, made);
      return true;
    }
    tellRefused(this.#options, made, said(answer));
    this.#refused(workload, heldBy(answer, workload), { key, atSeconds: nowSeconds });
    return false;
  }

  /** The change as far as it can be stated and the server takes it. */
  async #weighed(
    workload: Workload,
    change: TemplateChange | undefined,
    { input, signal }: { readonly input: TemplateInput; readonly signal: AbortSignal },
  ): Promise<Weighed> {
    if (change === undefined) return {};
    const { nowSeconds } = input;
    const { refused, made } = this.#memory.get(workloadKey(workload.ref)) ?? {};
    const at = { key: patchKey(change.containers), atSeconds: nowSeconds };
    if (refused?.key === at.key && nowSeconds - refused.atSeconds < REFUSED_SECONDS) {
      return { held: [refused.held] };
    }
    const own = await this.#options.reader.ownSizes(workload, signal);
    if (own === undefined) return {};
    const { changes, stated, foreign } = statement(change.containers, workload, own);
    if (changes.length === 0) return this.#refused(workload, statedByOthers(foreign), at);
    const whole = { ...change, containers: changes, stated, key: at.key };
    const fought = undone(whole, input, made);
    if (fought !== undefined) return fought;
    const answer = await this.#options.templates.apply(workload, stated, {
      isDryRun: true,
      signal,
    });
    if (answer.kind === 'Accepted') return { change: whole };
    return this.#refused(workload, heldBy(answer, workload), at);
  }

  #refused(workload: Workload, held: Held | undefined, at: Remembered): Weighed {
    if (held === undefined) return {};
    this.#remember(workload, { refused: { ...at, held } });
    return { held: [held] };
  }

  #remember({ ref }: Workload, what: Memory): void {
    const key = workloadKey(ref);
    this.#memory.set(key, { ...this.#memory.get(key), ...what });
  }
}

interface Weighed {
  readonly change?: PreparedTemplate['change'];
  readonly held?: readonly Held[];
  /** It was made a moment ago. */
  readonly isUnseen?: true;
}

function heldBy(answer: TemplateAnswer, workload: Workload): Held | undefined {
  switch (answer.kind) {
    case 'Accepted':
    case 'Gone':
      return undefined;
    case 'Conflict':
      return { reason: 'OtherManager', message: conflictSentence(answer.managers) };
    case 'Refused':
      return { reason: 'DryRunRefused', message: answer.message };
    case 'Forbidden':
      return {
        reason: 'PermissionMissing',
        message: missingPermission(['PatchWorkload'], workload) ?? answer.message,
      };
  }
}

function conflictSentence(managers: readonly string[]): string {
  return `The template's resources are managed by ${managers.join(', ')}: take resources out of what it applies, or choose mode InPlace.`;
}

function statedByOthers(foreign: readonly string[]): Held {
  const message = `The template states ${foreign.join(', ')}, which the recommendation has not: who states it has to take it out.`;
  return { reason: 'OtherManager', message };
}

function said(answer: TemplateAnswer): { readonly kind: string; readonly message?: string } {
  return answer.kind === 'Conflict'
    ? { ...answer, message: conflictSentence(answer.managers) }
    : answer;
}

/** The same change was made already and does not show: it is not seen yet, or somebody has set the template back. */
function undone(
  { lane, containers }: TemplateChange,
  { records, rules, nowSeconds }: TemplateInput,
  made: Remembered | undefined,
): Weighed | undefined {
  const key = patchKey(containers);
  const pauses = { Savings: rules.decreaseCooldownSeconds, Return: 0, Rescue: 0, Raise: 0 };
  const pause = Math.max(REFUSED_SECONDS, pauses[lane]);
  const last = records.findLast(
    ({ method, outcome }) => method === 'Rollout' && outcome !== 'Failed',
  );
  // A way back is on record before it is made.
  const isOnRecord = lane !== 'Return' && last !== undefined && patchKey(last.containers) === key;
  const atSeconds = Math.max(
    made?.key === key ? made.atSeconds : -Infinity,
    isOnRecord ? last.atSeconds : -Infinity,
  );
  if (nowSeconds - atSeconds < SEEN_SECONDS) return { isUnseen: true };
  if (nowSeconds - atSeconds >= pause) return undefined;
  const time = new Date(atSeconds * 1000).toISOString().replace('.000Z', 'Z');
  const message = `The template was set back after the change of ${time}: who does so has to leave resources alone, or choose mode InPlace.`;
  return { held: [{ reason: 'OtherManager', message }] };
}

/** Pods that the change takes from the budget of the cluster. */
function chargeOf(change: TemplateChange | undefined, { replicas }: TemplateInput): number {
  return change?.lane === 'Raise' || change?.lane === 'Savings' ? replicas : 0;
}

/** Its controller replaces pods by what was stated last. */
function isOwnRollout({ isRollingOut }: Workload, { records }: TemplateInput): boolean {
  return (
    isRollingOut &&
    records.some(({ method, outcome }) => method === 'Rollout' && outcome === 'Watching')
  );
}

interface Outlook {
  readonly held: readonly Held[];
  readonly leaking: readonly string[];
  readonly isGoing: boolean;
}

function saidOf(
  { held, leaking, isGoing }: Outlook,
  { records, rules, pods, nowSeconds }: TemplateInput,
): ActingSaid {
  const [first] = held;
  const calm = first === undefined && pods.length > 0 ? 'Applied' : undefined;
  const untilSeconds = backoffUntil(records, rules.decreaseCooldownSeconds);
  return {
    state: isGoing ? 'Resizing' : calm,
    held: first,
    takenBack: storyOf(records, untilSeconds, nowSeconds),
    leaking,
  };
}

/** Adds what is to be done to the template to what is to be done to pods. */
export async function withTemplate(
  hands: TemplateHands,
  prepared: Prepared,
  asked: Asked,
  states: readonly PodState[],
): Promise<Prepared> {
  const { at, said, records } = prepared;
  const signalSeconds = Math.min(at.nowSeconds, ...at.signals.values());
  const known = { states, records, nowSeconds: at.nowSeconds, signalSeconds };
  try {
    const template = await hands.prepare(at.workload, asked, known, at.signal);
    const times = [prepared.againSeconds, template.againSeconds].filter(
      (each) => each !== undefined,
    );
    return {
      ...prepared,
      said: saidTogether(said, template.said),
      records: template.record === undefined ? records : [...records, template.record],
      againSeconds: times.length === 0 ? undefined : Math.min(...times),
      template,
      release: () => {
        prepared.release();
        template.release();
      },
    };
  } catch (thrown) {
    prepared.release();
    throw thrown;
  }
}
