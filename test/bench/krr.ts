import { request, Agent } from 'undici';
import { gunzipSync } from 'node:zlib';
import { eachLimited } from '../../src/prometheus/session.ts';
import type { FleetMember } from './fleetview.ts';
import { Meter, scaled } from './meter.ts';
import { WINDOW_DAYS, type Say, type Task } from './task.ts';

/** As many as KRR has under way at once. */
const CONCURRENCY = 10;
const STEP = '75s';
const RANGE = `[${WINDOW_DAYS}d:${STEP}]`;

/**
 * Sends the instant queries that KRR's simple strategy sends for each container, in the order and form in which it
 * sends them: former pods by their owners, running ones, then CPU, memory, how many points each has, and OOM kills.
 * What KRR itself then does with the answers is not part of the figures.
 */
export async function measureKrr(task: Task, say: Say): Promise<void> {
  const sample = sampleOf(task.fleet, task.krrSample);
  const agent = new Agent({ connections: CONCURRENCY });
  const ask = asker(task, agent);
  const meter = new Meter(task.serverPid);
  let bytes = 0;
  let done = 0;
  await eachLimited(sample, CONCURRENCY, async (member) => {
    for (const query of queriesFor(member)) bytes += await ask(query);
    say({ kind: 'Progress', text: `KRR's queries, ${++done} of ${sample.length} containers` });
  });
  const share = task.fleet.length / sample.length;
  const figures = scaled(meter.figures(bytes), share);
  const note = share === 1 ? '' : `measured for ${sample.length} containers and scaled`;
  say({ kind: 'Result', result: { row: 'krr', figures, note } });
  await agent.close();
}

/** Evenly over the fleet, so that it holds as many that restarted or were rolled out. */
function sampleOf(fleet: readonly FleetMember[], size: number): readonly FleetMember[] {
  if (size >= fleet.length) return fleet;
  return Array.from(
    { length: size },
    (_, index) => fleet[Math.floor((index * fleet.length) / size)],
  ).filter((member) => member !== undefined);
}

/** Asks at the end of the window, and gives the size of the answer, unpacked. */
function asker(task: Task, dispatcher: Agent): (query: string) => Promise<number> {
  return async (query) => {
    const parameters = new URLSearchParams({ query, time: String(task.toSeconds) });
    const { statusCode, headers, body } = await request(
      `${task.url}/api/v1/query?${parameters.toString()}`,
      { dispatcher, headers: { 'accept-encoding': 'gzip' } },
    );
    const packed = Buffer.from(await body.arrayBuffer());
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed;
    if (statusCode !== 200) throw new Error(`${query}: ${statusCode} ${text.toString()}`);
    JSON.parse(text.toString());
    return text.length;
  };
}

function queriesFor({ namespace, name, container, pods, replicaSets }: FleetMember): string[] {
  const within = `namespace="${namespace}"`;
  const of = `${within}, pod=~"${pods.join('|')}", container="${container}"`;
  const by = 'by (container, pod, job)';
  const cpu = `max(rate(container_cpu_usage_seconds_total{${of}}[${STEP}])) ${by}${RANGE}`;
  const memory = `max(container_memory_working_set_bytes{${of}}) ${by}${RANGE}`;
  const limits = `max(kube_pod_container_resource_limits{resource="memory", ${of}}) by (pod, container, job)`;
  const kills = `max(kube_pod_container_status_last_terminated_reason{reason="OOMKilled", ${of}}) by (pod, container, job, reason)`;
  return [
    `kube_replicaset_owner{owner_name="${name}", owner_kind="Deployment", ${within}}[${WINDOW_DAYS}d]`,
    `last_over_time(kube_pod_owner{owner_name=~"${replicaSets.join('|')}", owner_kind="ReplicaSet", ${within}}[${WINDOW_DAYS}d])`,
    `kube_pod_status_phase{phase="Running", pod=~"${pods.join('|')}", ${within}} == 1`,
    `quantile_over_time(0.95, ${cpu})`,
    `max_over_time(${memory})`,
    `count_over_time(${cpu})`,
    `count_over_time(${memory})`,
    `max_over_time(max(${limits} * on(pod, container, job) group_left(reason) ${kills}) ${by}${RANGE})`,
  ];
}
