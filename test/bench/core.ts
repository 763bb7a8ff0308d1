/**
 * The pure core on one core, without a server: `node test/bench/core.ts [--containers 10000] [--json]`.
 * Samples folded, recommendations, and the calibration of a fleet over 28 days.
 */
import { parseArgs } from 'node:util';
import { calibrate } from '../../src/controller/calibration.ts';
import { compose, containersOf, type Outcome } from '../../src/controller/compose.ts';
import { excessesOf } from '../../src/controller/containeroutcome.ts';
import { UnpackedContainers } from '../../src/controller/containerusage.ts';
import { figuresOf } from '../../src/controller/figures.ts';
import { governanceOf } from '../../src/controller/gather.ts';
import { workloadKey, type Workload } from '../../src/controller/ports.ts';
import { packWalk, unpackWalk, type KeptWalks } from '../../src/controller/usagewalks.ts';
import { fleetMargins } from '../../src/recommend/fleet.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { createXorDecoder, sampleBuffer } from '../../src/prometheus/xor.ts';
import { bitsOf, encodeXor } from '../support/xor-encoder.ts';
import { clusterOf, simulatedFleet, type CountingCluster } from './fleetview.ts';
import { foldSamples, packedOf, simulatedSamples } from './histories.ts';

const NOW = Date.UTC(2027, 0, 15, 10) / 1000;
/** Of so many containers each history differs; others have one of these again. */
const DISTINCT = 200;
const SAMPLES_PER_CHUNK = 120;

export interface CoreFigures {
  /** XOR chunks of remote read to typed arrays: of what CPU counters are packed in, which are the dearest. */
  readonly xorSamplesPerSecond: number;
  readonly samplesFoldedPerSecond: number;
  readonly recommendationsPerSecond: number;
  readonly calibration: {
    readonly containers: number;
    readonly days: number;
    readonly seconds: number;
    /** Once more on the same day, which walks over that day only. */
    readonly renewedSeconds: number;
  };
}

function secondsOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Samples of a minute, CPU and memory, over 14 days. */
function foldingSpeed(): number {
  const samples = Array.from({ length: 20 }, (_, seed) =>
    simulatedSamples(seed, { days: 14, stepSeconds: 60, toSeconds: NOW }),
  );
  const count = samples.reduce((sum, { times }) => sum + 2 * times.length, 0);
  const run = (): void => samples.forEach((each) => packedOf(foldSamples(each, 60)));
  const rounds = 20;
  const runs = (): void => {
    for (let round = 0; round < rounds; round++) run();
  };
  // Compiled for speed only after a while.
  runs();
  return (rounds * count) / secondsOf(runs);
}

/** Of a counter's chunks over 14 days. */
function decodingSpeed(): number {
  const { times, cores } = simulatedSamples(1, { days: 14, stepSeconds: 60, toSeconds: NOW });
  let seconds = 0;
  const samples = Array.from(times, (time, index) => ({
    timeMs: time * 1000,
    bits: bitsOf((seconds += 60 * (cores[index] ?? 0))),
  }));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < samples.length; at += SAMPLES_PER_CHUNK) {
    chunks.push(encodeXor(samples.slice(at, at + SAMPLES_PER_CHUNK)));
  }
  const decode = createXorDecoder();
  const buffer = sampleBuffer();
  const rounds = 100;
  const run = (): void => {
    for (let round = 0; round < rounds; round++) for (const chunk of chunks) decode(chunk, buffer);
  };
  run();
  return (rounds * samples.length) / secondsOf(run);
}

function histories(days: number): readonly PackedUsage[] {
  return Array.from({ length: DISTINCT }, (_, seed) =>
    packedOf(foldSamples(simulatedSamples(seed, { days, stepSeconds: 60, toSeconds: NOW }), 60)),
  );
}

interface Sizer {
  readonly cluster: CountingCluster;
  readonly histories: readonly PackedUsage[];
  /** Of each workload where the walk over its container stood, where that is to be gone on from. */
  readonly walks?: readonly KeptWalks[];
}

/** As the keeper of usage has them, of one container. */
function aKeptWalk(): KeptWalks {
  let packed: Uint8Array | undefined;
  return {
    walkOf: () => packed && unpackWalk(packed),
    keepWalk(_container, walked) {
      packed = packWalk(walked);
    },
  };
}

/** What the operator makes of one workload's usage: the whole status, and what it says to its policy. */
function outcomeOf(workload: Workload, index: number, sizer: Sizer): Outcome {
  const { cluster } = sizer;
  const governance = governanceOf(cluster, workload);
  const history = sizer.histories[index % sizer.histories.length];
  if (governance === undefined || history === undefined) {
    throw new Error(`no policy selects ${workloadKey(workload.ref)}`);
  }
  const held = new Map([['app', { packed: history }]]);
  const containers = new UnpackedContainers(() => held);
  const walks = sizer.walks?.[index];
  const usage = { containers, failure: undefined, isRead: true, ...(walks && { walks }) };
  const input = { view: cluster, nowSeconds: NOW, governance, usage, stored: undefined };
  return compose(workload, input).outcome;
}

function recommendationSpeed(count: number): number {
  const cluster = clusterOf(simulatedFleet(count), '14d');
  const sizer = { cluster, histories: histories(14) };
  const workloads = [...cluster.workloads.values()];
  const run = (): void =>
    workloads.forEach((workload, index) => void outcomeOf(workload, index, sizer));
  run();
  return count / secondsOf(run);
}

/** Each container's history walked, hour by hour and day by day, and all of them held together; and once more. */
function calibrationSeconds(
  count: number,
  days: number,
): Pick<CoreFigures['calibration'], 'seconds' | 'renewedSeconds'> {
  const cluster = clusterOf(simulatedFleet(count), `${days}d`);
  const walks = Array.from({ length: count }, aKeptWalk);
  const sizer = { cluster, histories: histories(days), walks };
  const run = (): void => {
    const outcomes = Array.from(cluster.workloads.values(), (workload, index) =>
      outcomeOf(workload, index, sizer),
    );
    const figures = figuresOf(containersOf(outcomes));
    calibrate(figures, 0.9, { cpu: 'TooLittleData', memory: 'TooLittleData' });
    const marginOf = fleetMargins(excessesOf(containersOf(outcomes)));
    for (let day = 0; day <= days; day++) marginOf(0.01, NOW / 86_400 - day);
  };
  return { seconds: secondsOf(run), renewedSeconds: secondsOf(run) };
}

function coreFigures(containers: number): CoreFigures {
  const days = 28;
  return {
    xorSamplesPerSecond: decodingSpeed(),
    samplesFoldedPerSecond: foldingSpeed(),
    recommendationsPerSecond: recommendationSpeed(Math.min(containers, 1000)),
    calibration: { containers, days, ...calibrationSeconds(containers, days) },
  };
}

const { values } = parseArgs({
  options: { containers: { type: 'string', default: '10000' }, json: { type: 'boolean' } },
});
const figures = coreFigures(Number(values.containers));
if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`);
else console.table({ ...figures, ...figures.calibration, calibration: undefined });
