import type { Observation } from '../api/conditions.ts';
import type { ChangeEntry } from '../api/history.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import type { Held } from '../resize/gates.ts';
import { baseState, leakSuspected, withoutActing, type Said } from './newpods.ts';

/** What is said of changes that are made, or not made, in pods that run and in the template. */
export interface ActingSaid {
  /** Undefined while nothing is under way and not all is as it is to be. */
  readonly state: 'Resizing' | 'Deferred' | 'Applied' | undefined;
  /** The first gate that holds something. */
  readonly held: Held | undefined;
  /** What was taken back and why, while nothing is tried again. */
  readonly takenBack: string | undefined;
  /** Containers that a suspected leak keeps from growing. */
  readonly leaking: readonly string[];
}

/** Adds to what is said of a workload what is changed in it; `acting` is undefined where its mode changes nothing. */
export function withActing(
  said: Said,
  acting: ActingSaid | undefined,
  history: readonly ChangeEntry[],
): Said {
  const content = withHistory(said.content, history);
  if (acting === undefined) return { ...said, content };
  const { summary } = content;
  const state = stateOf(content, acting);
  const isHeld = acting.held !== undefined && state === `Held:${acting.held.reason}`;
  return {
    content: {
      ...content,
      ...(isHeld && { reason: acting.held.reason }),
      ...(summary && { summary: { ...summary, status: state } }),
    },
    observations: withActingConditions(said.observations, acting),
  };
}

function withHistory(content: Said['content'], history: readonly ChangeEntry[]): Said['content'] {
  const others = { ...content };
  delete others.history;
  return history.length === 0 ? others : { ...others, history: [...history] };
}

/** What is under way goes before what is held, and both before what would be if nothing were applied. */
function stateOf(content: RecommendationStatus, { state, held }: ActingSaid): string {
  const said = content.summary?.status ?? '';
  // A suspension says it all, and what usage says of itself stays.
  if (said === 'Held:Suspended' || said.startsWith('Degraded')) return said;
  if (state === 'Resizing') return state;
  if (held !== undefined) return `Held:${held.reason}`;
  if (state === 'Deferred') return state;
  const base = baseState(content);
  return state === 'Applied' && base === 'Recommended' ? 'Applied' : said;
}

function withActingConditions(
  observations: readonly Observation[],
  { held, takenBack, leaking }: ActingSaid,
): readonly Observation[] {
  const all = withoutActing(observations, 'QuotaExceeded');
  const own: readonly Observation[] = [
    ...(held === undefined ? [] : [observation('Held', held.reason, held.message)]),
    ...(takenBack === undefined ? [] : [observation('Degraded', 'TakenBack', takenBack)]),
    ...leakSuspected(leaking),
  ];
  return own.reduce(merged, all);
}

function observation(type: string, reason: string, message: string): Observation {
  return { type, status: 'True', reason, message };
}

/** Before what is told beside another reason, so that it is told anew and not once more. */
const ALSO = ' Changes: ';

/** There is one condition of each type: the reason that is there already stays, and the other is told after it. */
function merged(all: readonly Observation[], own: Observation): readonly Observation[] {
  const there = all.find(({ type }) => type === own.type);
  if (there === undefined) return [...all, own];
  const [message = ''] = there.message.split(ALSO);
  const told = { ...there, message: `${message}${ALSO}${own.message}` };
  return all.map((each) => (each === there ? told : each));
}
