import { request, Agent } from 'undici';
import snappy from 'snappyjs';
import { DEFAULT_CONCURRENCY } from '../../src/prometheus/connection.ts';
import { encodeReadRequest, type ReadQuery } from '../../src/prometheus/readwire.ts';
import { eachLimited } from '../../src/prometheus/session.ts';
import { Meter } from './meter.ts';
import type { Say, Task } from './task.ts';

const METRICS = ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'];
const NAMESPACES_AT_ONCE = 5;

/** Downloads every sample of the fleet by streamed remote read, and drops the bytes as they come. */
export async function measureFloor(task: Task, say: Say): Promise<void> {
  const agent = new Agent({ connections: DEFAULT_CONCURRENCY });
  const namespaces = [...new Set(task.fleet.map(({ namespace }) => namespace))];
  const groups: string[][] = [];
  for (let at = 0; at < namespaces.length; at += NAMESPACES_AT_ONCE) {
    groups.push(namespaces.slice(at, at + NAMESPACES_AT_ONCE));
  }
  const meter = new Meter(task.serverPid);
  let bytes = 0;
  let done = 0;
  await eachLimited(groups, DEFAULT_CONCURRENCY, async (group) => {
    const { statusCode, body } = await request(`${task.url}/api/v1/read`, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-read-version': '0.1.0',
      },
      body: Buffer.from(snappy.compress(encodeReadRequest(queriesFor(group, task)))),
    });
    if (statusCode !== 200) throw new Error(`remote read: ${statusCode} ${await body.text()}`);
    for await (const part of body as AsyncIterable<Buffer>) bytes += part.length;
    say({ kind: 'Progress', text: `downloading, ${++done} of ${groups.length} parts` });
  });
  const figures = meter.figures(bytes);
  say({ kind: 'Result', result: { row: 'floor', figures, note: '' } });
  await agent.close();
}

function queriesFor(namespaces: readonly string[], task: Task): readonly ReadQuery[] {
  return METRICS.map((metric) => ({
    matchers: [
      { label: '__name__', operator: '=', value: metric },
      { label: 'namespace', operator: '=~', value: namespaces.join('|') },
      { label: 'container', operator: '!=', value: '' },
    ],
    fromMs: task.fromSeconds * 1000 + 1,
    toMs: task.toSeconds * 1000,
  }));
}
