import { subscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';

/** What one part of the benchmark took; bytes are those of the peak of resident memory, and of what was received. */
export interface Figures {
  readonly wallSeconds: number;
  readonly serverCpuSeconds: number;
  readonly clientCpuSeconds: number;
  /** What the server held of its own when the part began, and at most; files that it maps are not counted. */
  readonly serverIdleBytes: number;
  readonly serverPeakBytes: number;
  readonly clientPeakBytes: number;
  /** As they came over the sockets, headers and compression included. */
  readonly wireBytes: number;
  /** Bodies, unpacked. */
  readonly decodedBytes: number;
}

const sockets = new Set<Socket>();
subscribe('net.client.socket', (message) => {
  const { socket } = message as { readonly socket?: unknown };
  if (socket instanceof Socket) sockets.add(socket);
});

function wireBytes(): number {
  return [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0);
}

/** CPU time of all threads of a process, to the nanosecond: the 10 ms of its `stat` are more than a refresh may take. */
function cpuSecondsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const nanos = readdirSync(tasks).map((task) => {
    const [onCpu] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ');
    return Number(onCpu);
  });
  return nanos.reduce((sum, each) => sum + each, 0) / 1e9;
}

function memoryOf(pid: number, field: 'VmHWM' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status) ?? [];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status says no ${field}`);
  return Number(kibibytes) * 1024;
}

/** Makes the peak of a process what it holds now. */
function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

const LOOK_MS = 20;

/** Measures what this process and the server do from now on; `figures` ends it. */
export class Meter {
  readonly #server: number;
  readonly #wall = performance.now();
  readonly #own = process.cpuUsage();
  readonly #serverCpu: number;
  readonly #serverIdle: number;
  readonly #wire = wireBytes();
  readonly #looks: NodeJS.Timeout;
  #serverPeak: number;

  constructor(serverPid: number) {
    this.#server = serverPid;
    resetPeak(process.pid);
    this.#serverIdle = memoryOf(serverPid, 'RssAnon');
    this.#serverPeak = this.#serverIdle;
    this.#looks = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#serverCpu = cpuSecondsOf(serverPid);
  }

  /** The kernel keeps no peak of what is not mapped from files. While this process computes, the server rests. */
  #look(): void {
    this.#serverPeak = Math.max(this.#serverPeak, memoryOf(this.#server, 'RssAnon'));
  }

  figures(decodedBytes: number): Figures {
    clearInterval(this.#looks);
    this.#look();
    const wallSeconds = (performance.now() - this.#wall) / 1000;
    const { user, system } = process.cpuUsage(this.#own);
    return {
      wallSeconds,
      serverCpuSeconds: cpuSecondsOf(this.#server) - this.#serverCpu,
      clientCpuSeconds: (user + system) / 1e6,
      serverIdleBytes: this.#serverIdle,
      serverPeakBytes: this.#serverPeak,
      clientPeakBytes: memoryOf(process.pid, 'VmHWM'),
      wireBytes: wireBytes() - this.#wire,
      decodedBytes,
    };
  }
}

/** Of rounds of the same; the highest of peaks. Throws where there are none. */
export function meanOf(rounds: readonly Figures[]): Figures {
  return scaled(rounds.reduce(sum), 1 / rounds.length);
}

function sum(a: Figures, b: Figures): Figures {
  return {
    wallSeconds: a.wallSeconds + b.wallSeconds,
    serverCpuSeconds: a.serverCpuSeconds + b.serverCpuSeconds,
    clientCpuSeconds: a.clientCpuSeconds + b.clientCpuSeconds,
    serverIdleBytes: Math.min(a.serverIdleBytes, b.serverIdleBytes),
    serverPeakBytes: Math.max(a.serverPeakBytes, b.serverPeakBytes),
    clientPeakBytes: Math.max(a.clientPeakBytes, b.clientPeakBytes),
    wireBytes: a.wireBytes + b.wireBytes,
    decodedBytes: a.decodedBytes + b.decodedBytes,
  };
}

/** Peaks stay; all else is multiplied, as for a sample of the containers. */
export function scaled(figures: Figures, factor: number): Figures {
  return {
    ...figures,
    wallSeconds: figures.wallSeconds * factor,
    serverCpuSeconds: figures.serverCpuSeconds * factor,
    clientCpuSeconds: figures.clientCpuSeconds * factor,
    wireBytes: figures.wireBytes * factor,
    decodedBytes: figures.decodedBytes * factor,
  };
}
