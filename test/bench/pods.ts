// What watching pods costs in memory: lists PODS pods (10000 unless stated) from a server in another thread, in pages, and
// counts what stays. node --expose-gc test/bench/pods.ts [PODS]
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeConnection } from '../../src/kube/connection.ts';
import { projectPod } from '../../src/kube/pods.ts';
import { Reflector } from '../../src/kube/reflector.ts';

const MB = 1e6;

/** As kubectl shows one that a Deployment made: two containers, environment, probes, volumes and managedFields. */
function rawPod(index: number): object {
  const name = `service-${index % 997}-6c8d9b7f54-${index.toString(36).padStart(5, '0')}`;
  const time = '2026-11-01T08:00:00Z';
  const containers = ['app', 'proxy'].map((container) => ({
    name: container,
    image: `registry.example.com/shop/${container}:1.${index % 50}.0`,
    env: Array.from({ length: 12 }, (_, i) => ({ name: `SETTING_${i}`, value: `value-${i}` })),
    resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '512Mi' } },
    livenessProbe: { httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10 },
    volumeMounts: [{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
  }));
  const fields = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      `f:field-${i}`,
      { '.': {}, 'f:name': {}, 'f:value': {} },
    ]),
  );
  return {
    metadata: {
      namespace: `team-${index % 200}`,
      name,
      uid: `0b9f8a3c-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
      resourceVersion: String(1_000_000 + index),
      generation: 1,
      creationTimestamp: time,
      labels: { app: `service-${index % 997}`, 'pod-template-hash': '6c8d9b7f54' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: name.slice(0, -6), controller: true },
      ],
      managedFields: [{ manager: 'kubelet', operation: 'Update', time, fieldsV1: fields }],
    },
    spec: { nodeName: `node-${index % 300}`, containers, volumes: [{ name: 'token' }] },
    status: {
      phase: 'Running',
      qosClass: 'Burstable',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: time,
      })),
      containerStatuses: containers.map((container) => ({
        name: container.name,
        restartCount: index % 3,
        state: { running: { startedAt: time } },
        resources: container.resources,
      })),
    },
  };
}

/** A list in pages, as the API server gives it; the watch stays silent. */
function serve(pods: number): void {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://server').searchParams;
    response.setHeader('content-type', 'application/json');
    if (query.has('watch')) {
      response.flushHeaders();
      return;
    }
    const from = Number(query.get('continue') ?? 0);
    const to = Math.min(pods, from + Number(query.get('limit') ?? pods));
    const items = Array.from({ length: to - from }, (_, i) => rawPod(from + i));
    const metadata = { resourceVersion: '2000000', continue: to < pods ? String(to) : '' };
    response.end(JSON.stringify({ kind: 'PodList', metadata, items }));
    parentPort?.postMessage({ pages: 1 });
  });
  server.listen(0, '127.0.0.1', () =>
    parentPort?.postMessage({ port: (server.address() as AddressInfo).port }),
  );
}

function connect(port: number): KubeConnection {
  return new KubeConnection(() => {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'bench', server: `http://127.0.0.1:${port}` }],
      users: [{ name: 'bench' }],
      contexts: [{ name: 'bench', cluster: 'bench', user: 'bench' }],
      currentContext: 'bench',
    });
    return config;
  });
}

async function measure(pods: number): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run this with node --expose-gc');
  const worker = new Worker(new URL(import.meta.url), { workerData: { pods } });
  let pages = 0;
  const port = await new Promise<number>((resolve) => {
    worker.on('message', (message: { readonly port?: number; readonly pages?: number }) => {
      if (message.port !== undefined) resolve(message.port);
      pages += message.pages ?? 0;
    });
  });
  const connection = connect(port);
  gc();
  const before = process.memoryUsage().heapUsed;
  let peak = before;
  const reflector = new Reflector({
    connection,
    path: '/api/v1/pods',
    project: (raw) => {
      peak = Math.max(peak, process.memoryUsage().heapUsed);
      return projectPod(raw);
    },
    onError: (error) => console.error(error.message),
  });
  const started = performance.now();
  reflector.start();
  await reflector.waitForSync(AbortSignal.timeout(120_000));
  const seconds = (performance.now() - started) / 1000;
  gc();
  const held = process.memoryUsage().heapUsed - before;
  const raw = JSON.stringify(rawPod(1)).length;
  console.log(`pods           ${reflector.store.size} in ${pages} pages, ${seconds.toFixed(1)} s`);
  console.log(`as JSON        ${raw} bytes per pod`);
  console.log(
    `kept           ${(held / pods).toFixed(0)} bytes per pod, ${(held / MB).toFixed(1)} MB`,
  );
  console.log(`while listing  ${((peak - before) / MB).toFixed(1)} MB at most`);
  await reflector.stop();
  await connection.close();
  await worker.terminate();
}

if (isMainThread) await measure(Number(process.argv[2] ?? 10_000));
else serve((workerData as { readonly pods: number }).pods);
