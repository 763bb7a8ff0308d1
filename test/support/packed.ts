import { HourHead, memoryCodeOf, WHOLE_THROTTLED } from '../../src/recommend/hourrecord.ts';
import { cpuOfHour, HOURS_OF_DAY } from '../../src/recommend/hours.ts';
import { UsageWriter, type PackedUsage } from '../../src/recommend/packed.ts';
import { Sketch } from '../../src/recommend/sketch.ts';
import { DAY_SECONDS, type UsageDay, type UsageHistory } from '../../src/recommend/usage.ts';
import { placesOf } from './hourcpu.ts';

/** A history as it is kept: the coverage of a day is spread over its hours with a sample, its signals are in the first. */
export function packedOf(history: UsageHistory): PackedUsage {
  const writer = new UsageWriter();
  writer.begin();
  for (const day of history.days) {
    for (let hour = 0; hour < HOURS_OF_DAY; hour++) writeHour(writer, history, { day, hour });
  }
  const packed = writer.end(history);
  if (packed === undefined) throw new Error('a history without a day cannot be packed');
  return packed;
}

function writeHour(
  writer: UsageWriter,
  { stepSeconds }: UsageHistory,
  { day, hour }: { readonly day: UsageDay; readonly hour: number },
): void {
  const cpu = cpuOfHour(day.hours, hour);
  const peak = day.hours.memoryPeaks[hour] ?? NaN;
  const cpuHours = day.hours.cpu.filter((each) => each !== undefined);
  const memoryHours = day.hours.memoryPeaks.filter((each) => !Number.isNaN(each));
  const signals = hour === 0 ? day.signals : { oomKills: 0, restarts: 0, throttledShare: 0 };
  if (cpu === undefined && Number.isNaN(peak) && hour > 0) return;
  const head = Object.assign(new HourHead(), {
    hasCpu: cpu !== undefined,
    stepSeconds,
    cpuSeconds: cpu === undefined ? 0 : (day.cpuCoverage * DAY_SECONDS) / cpuHours.length,
    memorySeconds: Number.isNaN(peak) ? 0 : (day.memoryCoverage * DAY_SECONDS) / memoryHours.length,
    memoryCode: Number.isNaN(peak) ? 0 : memoryCodeOf(peak),
    pods: day.pods,
    oomKills: signals.oomKills,
    restarts: signals.restarts,
    throttled: Math.ceil(signals.throttledShare * WHOLE_THROTTLED),
  });
  writer.hour(Math.round(day.startSeconds / 3600) + hour, head, sketchOf(cpu));
}

function sketchOf(use: ReturnType<typeof cpuOfHour>): Sketch {
  const sketch = new Sketch();
  if (use === undefined) return sketch;
  for (const place of placesOf(use)) {
    const code = use.codes[place] ?? 0;
    const isNew = sketch.size === 0 || sketch.codes[sketch.size - 1] !== code;
    if (isNew) sketch.codes[sketch.size++] = code;
    const at = sketch.size - 1;
    sketch.counts[at] = (isNew ? 0 : (sketch.counts[at] ?? 0)) + (use.counts[place] ?? 0);
  }
  return sketch;
}
