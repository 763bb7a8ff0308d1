import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GenericContainer,
  getContainerRuntimeClient,
  Wait,
  type StartedTestContainer,
} from 'testcontainers';
import { HISTORIES } from '../support/histories.ts';
import { writeBlocks } from '../support/seed.ts';
import { importSeries, VICTORIAMETRICS_FLAGS } from '../support/victoriametrics.ts';
import { serverImage, type ServerImage } from './images.ts';

const PROMETHEUS_PORT = 9090;
const VICTORIAMETRICS_PORT = 8428;
/** In GiB: a server that a reading makes grow beyond it is killed by the kernel, which the tests see. */
const MEMORY = 0.25;

/** A server in a container that holds `HISTORIES`. */
export interface ContainedServer {
  readonly url: string;
  /** Stops the process where it is, so that it neither answers nor closes a connection. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Whether it still runs, and was not killed for want of memory. */
  isSound(): Promise<boolean>;
  /** Takes container and image away. */
  stop(): Promise<void>;
}

/** Prometheus with the histories as blocks. */
export async function containedPrometheus(): Promise<ContainedServer> {
  const image = await serverImage({
    program: 'prometheus',
    variable: 'RIGHTSIZE_PROMETHEUS_IMAGE',
  });
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-blocks-'));
  try {
    await writeBlocks(HISTORIES, folder);
    const container = new GenericContainer(image.name)
      .withCopyDirectoriesToContainer([{ source: folder, target: '/data' }])
      .withCopyContentToContainer([
        { content: 'scrape_configs: []\n', target: '/config/prometheus.yml' },
      ])
      .withCommand([
        '--config.file=/config/prometheus.yml',
        '--storage.tsdb.path=/data',
        '--storage.tsdb.retention.time=30d',
      ]);
    return await contained(container, image, { port: PROMETHEUS_PORT, ready: '/-/ready' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** VictoriaMetrics, into which the histories are imported once it runs. */
export async function containedVictoriaMetrics(): Promise<ContainedServer> {
  const image = await serverImage({
    program: 'victoria-metrics',
    variable: 'RIGHTSIZE_VICTORIAMETRICS_IMAGE',
  });
  const container = new GenericContainer(image.name).withCommand([
    '-storageDataPath=/data',
    ...VICTORIAMETRICS_FLAGS,
  ]);
  const where = { port: VICTORIAMETRICS_PORT, ready: '/health' };
  const server = await contained(container, image, where);
  try {
    await importSeries(server.url, HISTORIES);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function contained(
  container: GenericContainer,
  image: ServerImage,
  { port, ready }: { readonly port: number; readonly ready: string },
): Promise<ContainedServer> {
  const started = await container
    .withExposedPorts(port)
    .withResourcesQuota({ memory: MEMORY })
    .withWaitStrategy(Wait.forHttp(ready, port))
    .start()
    .catch(async (error: unknown) => {
      await image.remove();
      throw error;
    });
  const engineSide = await engineSideOf(started);
  return {
    url: `http://${started.getHost()}:${started.getMappedPort(port)}`,
    pause: () => settled(engineSide.pause()),
    resume: () => settled(engineSide.unpause()),
    async isSound() {
      const { State: state } = await engineSide.inspect();
      return state.Running && !state.OOMKilled;
    },
    async stop() {
      await started.stop();
      await image.remove();
    },
  };
}

/** The engine's answers say nothing more. */
async function settled(answer: Promise<unknown>): Promise<void> {
  await answer;
}

/** The container as the engine's own client knows it. */
async function engineSideOf(started: StartedTestContainer) {
  return (await getContainerRuntimeClient()).container.getById(started.getId());
}
