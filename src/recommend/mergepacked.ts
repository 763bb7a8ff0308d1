import type { HourHead } from './hourrecord.ts';
import { HourCursor, hourStart, spanOf, UsageWriter, type PackedUsage } from './packed.ts';
import { Sketch } from './sketch.ts';
import { DAY_SECONDS } from './usage.ts';

const WRITER = new UsageWriter();
const OLD = new HourCursor();
const FRESH = new HourCursor();
const OLD_CPU = new Sketch();
const FRESH_CPU = new Sketch();

/**
 * Usage with the hours of `fresh` in place of its own, and without the days that end before `fromSeconds`. An answer
 * that lost samples must not take evidence away: of an hour that `fresh` has clearly fewer CPU samples of, these stay as
 * they were, and so do those of an hour that it has at a coarser step, which smooths peaks; of peaks and signals, which
 * only grow in an hour, the higher stays. Undefined when no hour is left.
 */
export function mergePacked(
  old: PackedUsage | undefined,
  fresh: PackedUsage | undefined,
  fromSeconds: number,
): PackedUsage | undefined {
  WRITER.begin();
  OLD.open(old);
  FRESH.open(fresh);
  let firstHour = Infinity;
  while (OLD.hour < Infinity || FRESH.hour < Infinity) {
    const hour = Math.min(OLD.hour, FRESH.hour);
    const isKept = dayEnd(hour) > fromSeconds;
    if (isKept) {
      firstHour = Math.min(firstHour, hour);
      writeHour(hour);
    }
    if (OLD.hour === hour) OLD.next();
    if (FRESH.hour === hour) FRESH.next();
  }
  const spans = [old, fresh].flatMap((part) => (part === undefined ? [] : [spanOf(part)]));
  const firstSample = Math.min(...spans.map(({ firstSampleSeconds }) => firstSampleSeconds));
  const firstDay = Math.floor(hourStart(firstHour) / DAY_SECONDS) * DAY_SECONDS;
  return WRITER.end({
    firstSampleSeconds: Math.max(firstDay, firstSample),
    lastSampleSeconds: Math.max(...spans.map(({ lastSampleSeconds }) => lastSampleSeconds)),
    stepSeconds: spans.at(-1)?.stepSeconds ?? 0,
  });
}

function dayEnd(hour: number): number {
  return (Math.floor(hourStart(hour) / DAY_SECONDS) + 1) * DAY_SECONDS;
}

function writeHour(hour: number): void {
  if (OLD.hour !== FRESH.hour) {
    const from = OLD.hour === hour ? OLD : FRESH;
    WRITER.copy(hour, from.bytes, from.begin, from.end);
    return;
  }
  const old = readHour(OLD, OLD_CPU);
  const fresh = readHour(FRESH, FRESH_CPU);
  const takesFresh = isWorthTaking(old, fresh);
  const head = takesFresh ? fresh : old;
  raiseTo(head, takesFresh ? old : fresh);
  WRITER.hour(hour, head, takesFresh ? FRESH_CPU : OLD_CPU);
}

function readHour(cursor: HourCursor, into: Sketch): HourHead {
  const head = cursor.readHead();
  into.size = 0;
  if (head.hasCpu) cursor.readSketch(into);
  return head;
}

/** An hour that has clearly fewer samples than when it was read before was cut short on its way. */
const LOST_SHARE = 0.01;
/** Of the same hour another step may miss this much more or less, at its ends and at those of its pods. */
const STEP_SHARE = 0.1;

/** Whether the CPU samples are to be those of the fresh hour, by the time that they stand for. */
function isWorthTaking(old: HourHead, fresh: HourHead): boolean {
  const had = OLD_CPU.samples * old.stepSeconds;
  const has = FRESH_CPU.samples * fresh.stepSeconds;
  if (fresh.stepSeconds > old.stepSeconds) return has > had * (1 + STEP_SHARE);
  const tolerated = fresh.stepSeconds < old.stepSeconds ? STEP_SHARE : LOST_SHARE;
  return has >= had * (1 - tolerated);
}

/** Raises what only grows in an hour to what the other says. */
function raiseTo(head: HourHead, other: HourHead): void {
  head.memorySeconds = Math.max(head.memorySeconds, other.memorySeconds);
  head.memoryCode = Math.max(head.memoryCode, other.memoryCode);
  head.pods = Math.max(head.pods, other.pods);
  head.oomKills = Math.max(head.oomKills, other.oomKills);
  head.restarts = Math.max(head.restarts, other.restarts);
  head.throttled = Math.max(head.throttled, other.throttled);
}
