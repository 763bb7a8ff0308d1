import type { Resource } from '../recommend/usage.ts';
import type { Lane } from './changes.ts';
import { pairOf, type Pair } from './pair.ts';
import { runningSizes, type ContainerState, type PodState } from './pod.ts';
import { addedBy, counted, FLOAT_ERROR, shortage, type Room } from './room.ts';
import { isWorthwhile, roundedDown } from './step.ts';

export type Field = 'request' | 'limit';

/** One amount of a container on its way, in cores or bytes. */
export interface Move {
  readonly field: Field;
  readonly to: number;
  readonly lane: Lane;
}

interface RoomInput {
  readonly container: ContainerState;
  readonly pod: PodState;
  readonly resource: Resource;
  readonly room: Room;
  /** Share of what is, as in the rules. */
  readonly minimumChange: number;
}

export interface Fitting {
  /** Those that fit are as they were; a rescue may be cut short. */
  readonly moves: readonly Move[];
  /** Lanes that do not fit, each with the sentence that says why. */
  readonly over: ReadonlyMap<Lane, string>;
  /** Why a rescue gets less than it needs. */
  readonly cut: string | undefined;
}

/**
 * Holds moves of one resource of a container against the room. Where not all fit, a rescue is cut to what does, where
 * that is worth a change; what else adds is held lane by lane, savings (which may add a limit) before raises.
 */
export function withinRoom(
  moves: readonly Move[],
  pairAfter: (moves: readonly Move[]) => Pair,
  input: RoomInput,
): Fitting {
  const short = (some: readonly Move[]) => shortageOf(pairAfter(some), input);
  const message = short(moves);
  if (message === undefined) return { moves, over: new Map(), cut: undefined };
  const without = (of: readonly Move[], ...lanes: readonly Lane[]) =>
    of.filter(({ lane }) => !lanes.includes(lane));
  const trimmed = moves.flatMap((move) => (move.lane === 'Rescue' ? cutMove(move, input) : [move]));
  const tries = [
    trimmed,
    without(trimmed, 'Savings'),
    without(trimmed, 'Raise'),
    without(trimmed, 'Savings', 'Raise'),
  ];
  const fitting = tries.find((some) => short(some) === undefined) ?? [];
  const lanesOf = (some: readonly Move[]) => new Set(some.map(({ lane }) => lane));
  const dropped = [...lanesOf(moves).difference(lanesOf(fitting))];
  return {
    moves: [...fitting, ...moves.filter(({ lane }) => dropped.includes(lane))],
    over: new Map(dropped.map((lane) => [lane, message])),
    cut: fitting.some(({ lane }) => lane === 'Rescue') ? message : undefined,
  };
}

function shortageOf({ request, limit }: Pair, { container, pod, resource, room }: RoomInput) {
  if (room === undefined) return undefined;
  const to = {
    requests: request === undefined ? {} : { [resource]: request },
    limits: limit === undefined ? {} : { [resource]: limit },
  };
  return shortage(room, addedBy(counted(container, pod), to));
}

/** As much of a rescue as fits; nothing where that is not worth a change. */
function cutMove(move: Move, input: RoomInput): readonly Move[] {
  const { container, resource, minimumChange } = input;
  const from = Math.min(
    ...[runningSizes(container), container.spec].map(
      (sizes) => pairOf(sizes, resource)[move.field] ?? Infinity,
    ),
  );
  const most = mostOf(move.field, input);
  const to = move.to <= most * FLOAT_ERROR ? move.to : roundedDown(resource, { from, to: most });
  const isMore = to > from && isWorthwhile(resource, { from, to }, minimumChange);
  return isMore ? [{ ...move, to }] : [];
}

/** What fits of one amount; the request goes no further than the limit, which a Guaranteed pod has at its request. */
function mostOf(field: Field, { container, pod, resource, room }: RoomInput): number {
  const has = counted(container, pod);
  const [request, limit] = (['requests', 'limits'] as const).map(
    (each) => (has[each][resource] ?? 0) + (room?.[each][resource] ?? Infinity),
  ) as [number, number];
  const isUnderLimit = pairOf(container.spec, resource).limit !== undefined;
  if (pod.qos === 'Guaranteed' || (field === 'request' && isUnderLimit)) {
    return Math.min(request, limit);
  }
  return field === 'request' ? request : limit;
}
