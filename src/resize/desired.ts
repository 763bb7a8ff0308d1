import type { Resource } from '../recommend/usage.ts';
import { backoffUntil } from './backoff.ts';
import { replacesForMore, type ChangeRecord, type Lane } from './changes.ts';
import { cooldownUntil } from './cooldown.ts';
import { withinRoom, type Field, type Fitting, type Move } from './fitting.ts';
import { firstGate, type Held, type Situation, type WorkloadFacts } from './gates.ts';
import type { Ceiling, Outside } from './ceiling.ts';
import { pairOf, type Pair } from './pair.ts';
import { runningSizes, type ContainerState } from './pod.ts';
import { words, type Room } from './room.ts';
import { freshUsage, type RescueCause } from './signals.ts';
import { awaited, isWorthwhile, steppedDown } from './step.ts';
import { wantedPair, type Wanted, type WantedInput } from './wanted.ts';

/** What the policy says of changes, in numbers. */
export interface ChangeRules {
  /** Share of what is; smaller changes are not worth one. */
  readonly minimumChange: number;
  /** Share of what is that one decrease takes away at most. */
  readonly maxStep: number;
  readonly mayIncrease: readonly Resource[];
  readonly mayDecrease: readonly Resource[];
  readonly increaseCooldownSeconds: number;
  readonly decreaseCooldownSeconds: number;
}

/** What is looked at when a change of one pod is weighed. */
export interface Weighing {
  readonly facts: WorkloadFacts;
  readonly rules: ChangeRules;
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
  readonly backoffUntilSeconds: number | undefined;
  readonly freePods: number;
  readonly freeFleet: number;
  /** Undefined: no quota counts. */
  readonly room: Room;
  readonly outside: Outside;
  readonly evicts: boolean;
  /** Back to values that were good before: in one step, whatever the target. */
  readonly isReturn: boolean;
  /** The pod stands for a template. */
  readonly isTemplate: boolean;
}

export interface DesiredPair extends Pair {
  readonly lanes: readonly Lane[];
  readonly held: readonly Held[];
  readonly cause: RescueCause | undefined;
  readonly isLeakCapped: boolean;
  /** What keeps a rescue or a raise from going as far as it ought to. */
  readonly ceiling: Ceiling | undefined;
}

/**
 * What is to be asked for now of a resource of a container: the next step towards what is wanted, where no gate holds
 * it. Where one does, or nothing is worth a change, what is asked for already stays.
 */
export function desiredPair(
  input: WantedInput,
  resource: Resource,
  weighing: Weighing,
): DesiredPair {
  const { container } = input;
  const wanted = weighing.isReturn
    ? { ...returned(input, resource), signal: undefined, isLeakCapped: false, ceiling: undefined }
    : wantedPair(input, resource);
  const fitting = fittingMoves(input, resource, wanted, weighing);
  const { moves } = fitting;
  const lanes = [...new Set(moves.map(({ lane }) => lane))];
  const gates = new Map(
    lanes.map((lane) => [lane, gateOf(input, resource, { lane, fitting }, weighing)]),
  );
  const isHeld = (lane: Lane) => gates.get(lane) !== undefined;
  const open = moves.filter(({ lane }) => !isHeld(lane));
  // What was asked for already waits for the node, and not for a gate.
  const isNews = (lane: Lane) =>
    moves.some(
      (move) => move.lane === lane && move.to !== pairOf(container.spec, resource)[move.field],
    );
  return {
    ...pairAfter(container, resource, open, weighing),
    lanes: lanes.filter((lane) => !isHeld(lane)),
    held: [
      ...[...gates].flatMap(([lane, held]) =>
        held !== undefined && (weighing.evicts || isNews(lane)) ? [held] : [],
      ),
      ...(isHeld('Rescue') ? [] : cutShort(container, resource, { fitting, wanted })),
    ],
    cause: wanted.signal?.cause,
    isLeakCapped: wanted.isLeakCapped,
    ceiling: wanted.ceiling,
  };
}

/** Why it gets less than it ought to, where that is changed all the same. */
function cutShort(
  { name }: ContainerState,
  resource: Resource,
  { fitting, wanted }: { readonly fitting: Fitting; readonly wanted: Pick<Wanted, 'ceiling'> },
): readonly Held[] {
  const { cut } = fitting;
  const { ceiling } = wanted;
  const quota = cut === undefined ? [] : [{ reason: 'QuotaExceeded', message: cut } as const];
  if (ceiling === undefined) return quota;
  const most = words(resource, ceiling.amount);
  const message = `${name} gets no more ${resource} than ${most}: that is ${ceiling.says}.`;
  return [...quota, { reason: 'AtCeiling', message }];
}

/** The next step of each amount, as far as the room of the namespace allows. */
function fittingMoves(
  { container, pod }: WantedInput,
  resource: Resource,
  wanted: Pair & { readonly signal: unknown },
  weighing: Weighing,
): Fitting {
  const moves = (['request', 'limit'] as const).flatMap((field) =>
    moveOf({ container, resource, field }, wanted, weighing),
  );
  if (weighing.isReturn) return { moves, over: new Map(), cut: undefined };
  const { room, rules } = weighing;
  return withinRoom(moves, (some) => pairAfter(container, resource, some, weighing), {
    container,
    pod,
    resource,
    room,
    minimumChange: rules.minimumChange,
  });
}

/** What is asked for once these moves are made. */
function pairAfter(
  container: ContainerState,
  resource: Resource,
  moves: readonly Move[],
  weighing: Weighing,
): Pair {
  const amountOf = (field: Field) => {
    const move = moves.find((each) => each.field === field);
    const before = pairOf(container.spec, resource)[field];
    if (move === undefined) return before;
    return steady({ container, resource, field }, before, move, weighing);
  };
  return fitted({ request: amountOf('request'), limit: amountOf('limit') });
}

/** A pod keeps what cannot be taken from it; a template gets back to having none. */
function returned({ container, target, isTemplate }: WantedInput, resource: Resource): Pair {
  const running = pairOf(runningSizes(container), resource);
  const { request, limit } = pairOf(target.sizes, resource);
  const none = (field: Field) =>
    isTemplate && running[field] !== undefined ? NOTHING_SET[field] : running[field];
  return { request: request ?? none('request'), limit: limit ?? none('limit') };
}

interface Place {
  readonly container: ContainerState;
  readonly resource: Resource;
  readonly field: Field;
}

function moveOf(
  place: Place,
  wanted: Pair & { readonly signal: unknown },
  { rules, isReturn }: Weighing,
): readonly Move[] {
  const to = wanted[place.field];
  if (to === undefined) return [];
  const isRescued = wanted.signal !== undefined;
  const lane =
    isRescued && isComingDown(place) ? 'Rescue' : laneOf(place, to, { isRescued, isReturn, rules });
  if (lane !== 'Savings') return lane === undefined ? [] : [{ field: place.field, to, lane }];
  return loweringMove(place, to, rules);
}

interface Purpose {
  readonly isRescued: boolean;
  readonly isReturn: boolean;
  readonly rules: ChangeRules;
}

/** Undefined where there is nothing to change, or the policy forbids the direction. */
function laneOf(
  place: Place,
  to: number,
  { isRescued, isReturn, rules }: Purpose,
): Lane | undefined {
  const { resource, field } = place;
  const from = runningAmount(place);
  if (from === to) return undefined;
  if (isReturn) return 'Return';
  const isDown = to < (from ?? NOTHING_SET[field]);
  if (!(isDown ? rules.mayDecrease : rules.mayIncrease).includes(resource)) return undefined;
  // In need, little is worth it too.
  if (isRescued && !isDown) return 'Rescue';
  if (isTrifling(place, to, rules)) return undefined;
  return isDown ? 'Savings' : 'Raise';
}

function isTrifling(place: Place, to: number, { minimumChange }: ChangeRules): boolean {
  const from = runningAmount(place);
  return from !== undefined && !isWorthwhile(place.resource, { from, to }, minimumChange);
}

/** No request is like one of zero, and no limit like one that is never reached. */
const NOTHING_SET: Readonly<Record<Field, number>> = { request: 0, limit: Infinity };

function runningAmount({ container, resource, field }: Place): number | undefined {
  return pairOf(runningSizes(container), resource)[field];
}

/** Less was asked for and is not there yet: what is in need keeps what it has. */
function isComingDown(place: Place): boolean {
  const spec = pairOf(place.container.spec, place.resource)[place.field];
  const running = runningAmount(place);
  return spec !== undefined && running !== undefined && spec < running;
}

/** A limit that is new has nothing to step down from. */
function loweringMove(place: Place, to: number, { maxStep }: ChangeRules): readonly Move[] {
  const { resource, field } = place;
  const from = runningAmount(place);
  const stepped = from === undefined ? to : steppedDown(resource, { from, to }, maxStep);
  return stepped === from ? [] : [{ field, to: stepped, lane: 'Savings' }];
}

/** What was asked for and is not there yet is not asked for anew for the sake of a little. */
function steady(
  place: Place,
  spec: number | undefined,
  { to, lane }: Move,
  { rules }: Weighing,
): number {
  if (spec === undefined || lane === 'Return') return to;
  if (lane === 'Rescue') return awaited(to, { running: runningAmount(place), asked: spec });
  return isWorthwhile(place.resource, { from: spec, to }, rules.minimumChange) ? to : spec;
}

function fitted({ request, limit }: Pair): Pair {
  return { request, limit: limit === undefined ? undefined : Math.max(limit, request ?? 0) };
}

/** The first gate that holds the moves of one lane; they stand or fall together. */
function gateOf(
  input: WantedInput,
  resource: Resource,
  { lane, fitting }: { readonly lane: Lane; readonly fitting: Fitting },
  weighing: Weighing,
): Held | undefined {
  const { container, target, nowSeconds } = input;
  const moves = fitting.moves.filter((move) => move.lane === lane);
  const { facts, freePods, freeFleet, evicts } = weighing;
  const situation: Situation = {
    ...facts,
    lane,
    resource,
    evidence: isUnseen(input, lane, weighing) ? 'Stale' : target.evidence[resource],
    restarts: container.restartsOn.includes(resource),
    evicts,
    newMemoryLimit: evicts ? undefined : lowerMemoryLimit(input, resource, moves),
    nowSeconds,
    cooldownUntilSeconds: cooldownUntil(input, resource, lane, weighing),
    backoffUntilSeconds: backedOffUntil(lane, weighing),
    freePods,
    freeFleet,
    overQuota: fitting.over.get(lane),
    refused: undefined,
  };
  return firstGate(situation);
}

/** Savings wait after any harm, and what replaces pods for the sake of more after such a one that did harm. */
function backedOffUntil(
  lane: Lane,
  { backoffUntilSeconds, records, rules, evicts, isTemplate }: Weighing,
): number | undefined {
  if (lane === 'Savings') return backoffUntilSeconds;
  if (!evicts && !isTemplate) return undefined;
  return backoffUntil(records.filter(replacesForMore), rules.decreaseCooldownSeconds);
}

/** Nothing is taken from what nobody sees: neither whether it is in use, nor whether it does harm. */
function isUnseen(
  { container, nowSeconds }: WantedInput,
  lane: Lane,
  { evicts, isTemplate }: Weighing,
): boolean {
  const isTried = lane === 'Savings' && !evicts && !isTemplate;
  return isTried && freshUsage(container, nowSeconds) === undefined;
}

/** A pod that is on no node uses nothing. */
function lowerMemoryLimit(
  { container, pod, isTemplate, nowSeconds }: WantedInput,
  resource: Resource,
  moves: readonly Move[],
): Situation['newMemoryLimit'] {
  const limit = moves.find(({ field }) => field === 'limit')?.to;
  const from = runningSizes(container).limits.memory ?? Infinity;
  if (resource !== 'memory' || limit === undefined || limit >= from) return undefined;
  const isNowhere = !isTemplate && pod.node === undefined;
  return { to: limit, used: isNowhere ? 0 : freshUsage(container, nowSeconds)?.memoryBytes };
}
