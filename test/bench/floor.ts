import { request, Agent } from 'undici';
import snappy from 'snappyjs';
import { DEFAULT_CONCURRENCY } from '../../src/prometheus/connection.ts';
import { groupsOf } from '../../src/prometheus/parts.ts';
import { RAW_METRICS } from '../../src/prometheus/queries.ts';
import { encodeReadRequest, type ReadQuery } from '../../src/prometheus/readwire.ts';
import { HOUR_SECONDS } from '../../src/recommend/hours.ts';
import { eachLimited } from '../../src/prometheus/session.ts';
import { meanOf, Meter, type Figures } from './meter.ts';
import { REFRESHES, type Say, type Task } from './task.ts';

const NAMESPACES_AT_ONCE = 5;

/**
 * Downloads by streamed remote read what a first reading streams, and then the chunks of its last hour, whole, as they cost
 * the server the least; and drops the bytes.
 */
export async function measureFloor(task: Task, say: Say): Promise<void> {
  const { fromSeconds, toSeconds } = task;
  const agent = new Agent({ connections: DEFAULT_CONCURRENCY });
  const download = new Download(task, agent, say);
  const floor = await download.of(fromSeconds * 1000 + 1, toSeconds * 1000);
  say({ kind: 'Result', result: { row: 'floor', figures: floor, note: '' } });
  const hours: Figures[] = [];
  for (let round = 0; round < REFRESHES; round++) {
    hours.push(await download.of(chunkBegin(toSeconds - HOUR_SECONDS) * 1000, Infinity));
  }
  const note = `mean of ${REFRESHES} times`;
  say({ kind: 'Result', result: { row: 'floor-hour', figures: meanOf(hours), note } });
  await agent.close();
}

/** Chunks begin at even hours. */
function chunkBegin(seconds: number): number {
  return Math.floor(seconds / (2 * HOUR_SECONDS)) * 2 * HOUR_SECONDS;
}

class Download {
  readonly #task: Task;
  readonly #agent: Agent;
  readonly #say: Say;
  readonly #groups: readonly (readonly string[])[];

  constructor(task: Task, agent: Agent, say: Say) {
    this.#task = task;
    this.#agent = agent;
    this.#say = say;
    const namespaces = [...new Set(task.fleet.map(({ namespace }) => namespace))];
    this.#groups = groupsOf(namespaces, NAMESPACES_AT_ONCE);
  }

  async of(fromMs: number, toMs: number): Promise<Figures> {
    const meter = new Meter(this.#task.serverPid);
    let bytes = 0;
    let done = 0;
    await eachLimited(this.#groups, DEFAULT_CONCURRENCY, async (group) => {
      const queries = queriesFor(group, fromMs, toMs);
      const { statusCode, body } = await request(`${this.#task.url}/api/v1/read`, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-read-version': '0.1.0',
        },
        body: Buffer.from(snappy.compress(encodeReadRequest(queries))),
      });
      if (statusCode !== 200) throw new Error(`remote read: ${statusCode} ${await body.text()}`);
      for await (const part of body as AsyncIterable<Buffer>) bytes += part.length;
      this.#say({
        kind: 'Progress',
        text: `downloading, ${++done} of ${this.#groups.length} parts`,
      });
    });
    return meter.figures(bytes);
  }
}

/** All that a reading streams, of whole namespaces: use of CPU and memory, and the counters of throttling and kills. */
function queriesFor(
  namespaces: readonly string[],
  fromMs: number,
  toMs: number,
): readonly ReadQuery[] {
  return Object.keys(RAW_METRICS).map((metric) => ({
    matchers: [
      { label: '__name__', operator: '=', value: metric },
      { label: 'namespace', operator: '=~', value: namespaces.join('|') },
      { label: 'container', operator: '!=', value: '' },
      { label: 'reason', operator: '=~', value: 'OOMKilled|' },
    ],
    fromMs,
    toMs,
  }));
}
