/** From a value to a place in the drawing. */
export type Scale = (value: number) => number;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A domain of no width maps to the begin of the range. */
export function linear(domain: Span, range: Span): Scale {
  const width = domain.to - domain.from;
  const stretch = width === 0 ? 0 : (range.to - range.from) / width;
  return (value) => range.from + (value - domain.from) * stretch;
}

/** Both ends of the domain are above zero. */
export function logarithmic(domain: Span, range: Span): Scale {
  const scale = linear({ from: Math.log(domain.from), to: Math.log(domain.to) }, range);
  return (value) => scale(Math.log(value));
}

const STEPS = [1, 2, 2.5, 5, 10];

/** Round values from zero that cover the amount: at most `most` steps above zero. */
export function ticksTo(highest: number, most: number): readonly number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((one) => one * power >= rough * 0.999) ?? 10) * power;
  const steps = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** The candidates inside the span, thinned evenly to at most `most`. */
export function ticksAmong(
  candidates: readonly number[],
  { from, to }: Span,
  most: number,
): readonly number[] {
  const inside = candidates.filter((value) => value >= from && value <= to);
  const every = Math.max(1, Math.ceil(inside.length / most));
  return inside.filter((_, i) => i % every === 0);
}

/** Labels that touch, as one: the mean of where the first would be, for each of them to be at its own place. */
interface Block {
  readonly members: readonly number[];
  readonly first: number;
}

/**
 * Moves labels apart along one axis, by the least squares that leave any two at least `gap` apart, and those that touch
 * inside the span, if they fit. The result is in the order of the input.
 */
export function apart(places: readonly number[], gap: number, span: Span): readonly number[] {
  const order = places.map((_, i) => i).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const blocks: Block[] = [];
  const begin = ({ first, members }: Block) =>
    Math.max(span.from, Math.min(first, span.to - (members.length - 1) * gap));
  for (const i of order) {
    let block: Block = { members: [i], first: places[i] ?? 0 };
    for (
      let above = blocks.at(-1);
      above !== undefined && begin(above) + above.members.length * gap > begin(block);
      above = blocks.at(-1)
    ) {
      blocks.pop();
      block = joined(above, block, gap);
    }
    blocks.push(block);
  }
  const moved = [...places];
  for (const block of blocks) {
    block.members.forEach((i, at) => (moved[i] = begin(block) + at * gap));
  }
  return moved;
}

function joined(above: Block, below: Block, gap: number): Block {
  const members = [...above.members, ...below.members];
  const wanted = below.first - above.members.length * gap;
  const sum = above.first * above.members.length + wanted * below.members.length;
  return { members, first: sum / members.length };
}

/** A path through points; a gap in the input lifts the pen. */
export function linePath(points: readonly (readonly [number, number] | undefined)[]): string {
  let isDown = false;
  return points
    .map((point) => {
      const letter = isDown ? 'L' : 'M';
      isDown = point !== undefined;
      return point === undefined ? '' : `${letter}${place(point[0])} ${place(point[1])}`;
    })
    .join('');
}

function place(value: number): number {
  return Number(value.toFixed(1));
}
