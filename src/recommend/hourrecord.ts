import type { ByteReader, ByteWriter } from './bytes.ts';
import { HOUR_SECONDS } from './hours.ts';

/** What is known of one hour besides its CPU samples; times in seconds, memory in bytes. */
export class HourHead {
  hasCpu = false;
  /** Time between CPU samples. */
  stepSeconds = 60;
  /** How much of the hour has a sample. */
  cpuSeconds = 0;
  memorySeconds = 0;
  /** 0 where there is no sample, unless memory is covered. */
  memoryCode = 0;
  pods = 1;
  oomKills = 0;
  restarts = 0;
  /** 0 to 65,535 for 0 to 1. */
  throttled = 0;
}

const HAS_CPU = 1;
const CPU_WHOLE = 2;
const HAS_MEMORY = 4;
const MEMORY_WHOLE = 8;
const HAS_SIGNALS = 16;
const SEVERAL_PODS = 32;
const STEP_5_MINUTES = 64;
const STEP_OTHER = 128;

export const WHOLE_THROTTLED = 65_535;

/** 4 bytes for an hour that was seen whole with one pod, 13 with its signals. The sketch of its CPU follows. */
export function writeHead(writer: ByteWriter, head: HourHead): void {
  const { stepSeconds, cpuSeconds, memorySeconds, pods } = head;
  const flags = flagsOf(head);
  writer.byte(flags);
  if (flags & STEP_OTHER) writer.varint(Math.round(stepSeconds * 1000));
  if (flags & SEVERAL_PODS) writer.varint(pods);
  if (flags & HAS_CPU && !(flags & CPU_WHOLE)) writer.varint(Math.round(cpuSeconds));
  if (flags & HAS_MEMORY) {
    if (!(flags & MEMORY_WHOLE)) writer.varint(Math.round(memorySeconds));
    writer.byte(head.memoryCode >>> 16);
    writer.byte((head.memoryCode >>> 8) & 255);
    writer.byte(head.memoryCode & 255);
  }
  if (flags & HAS_SIGNALS) {
    writer.varint(head.oomKills);
    writer.varint(head.restarts);
    writer.varint(head.throttled);
  }
}

function flagsOf(head: HourHead): number {
  const { hasCpu, stepSeconds, cpuSeconds, memorySeconds, pods } = head;
  const hasSignals = head.oomKills + head.restarts + head.throttled > 0;
  return (
    (hasCpu ? HAS_CPU : 0) |
    (cpuSeconds === HOUR_SECONDS ? CPU_WHOLE : 0) |
    (memorySeconds > 0 ? HAS_MEMORY : 0) |
    (memorySeconds === HOUR_SECONDS ? MEMORY_WHOLE : 0) |
    (hasSignals ? HAS_SIGNALS : 0) |
    (pods === 1 ? 0 : SEVERAL_PODS) |
    stepFlag(stepSeconds)
  );
}

function stepFlag(stepSeconds: number): number {
  if (stepSeconds === 60) return 0;
  return stepSeconds === 300 ? STEP_5_MINUTES : STEP_OTHER;
}

export function readHead(reader: ByteReader, head: HourHead): void {
  const flags = reader.byte();
  head.hasCpu = (flags & HAS_CPU) !== 0;
  head.stepSeconds = readStep(reader, flags);
  head.pods = flags & SEVERAL_PODS ? reader.varint() : 1;
  head.cpuSeconds = 0;
  if (head.hasCpu) head.cpuSeconds = flags & CPU_WHOLE ? HOUR_SECONDS : reader.varint();
  head.memorySeconds = 0;
  head.memoryCode = 0;
  if (flags & HAS_MEMORY) {
    head.memorySeconds = flags & MEMORY_WHOLE ? HOUR_SECONDS : reader.varint();
    head.memoryCode = (reader.byte() << 16) | (reader.byte() << 8) | reader.byte();
  }
  const hasSignals = (flags & HAS_SIGNALS) !== 0;
  head.oomKills = hasSignals ? reader.varint() : 0;
  head.restarts = hasSignals ? reader.varint() : 0;
  head.throttled = hasSignals ? reader.varint() : 0;
}

function readStep(reader: ByteReader, flags: number): number {
  if (flags & STEP_OTHER) return reader.varint() / 1000;
  return flags & STEP_5_MINUTES ? 300 : 60;
}

const FRACTION_BITS = 18;
const FRACTIONS = 2 ** FRACTION_BITS;

/** A peak in bytes in 24 bits: what it stands for is at most 4 millionths above it, and never below. 0 is 0. */
export function memoryCodeOf(bytes: number): number {
  if (bytes < 1) return 0;
  const octave = Math.min(Math.floor(Math.log2(bytes)), 62);
  const fraction = Math.ceil((bytes / 2 ** octave - 1) * FRACTIONS);
  return Math.min((octave + 1) * FRACTIONS + fraction, 64 * FRACTIONS - 1);
}

/** Looked up, since this is done for each hour. */
const OCTAVES = Float64Array.from({ length: 64 }, (_, octave) => 2 ** octave);

export function bytesOfMemoryCode(code: number): number {
  if (code < FRACTIONS) return 0;
  const octave = (code >>> FRACTION_BITS) - 1;
  return (OCTAVES[octave] ?? 0) * (1 + (code % FRACTIONS) / FRACTIONS);
}
