import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { GROUP, PLURALS } from '../../src/api/group.ts';
import { KubeConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';

const run = promisify(execFile);

/** Runs kubectl against the test cluster (or the one of RIGHTSIZE_KUBECONFIG) and answers with its output. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('kubectl', [...args], { timeout: 30_000, maxBuffer: 2 ** 26 });
  return stdout.trim();
}

/** Applies objects by server-side apply. */
export async function apply(...objects: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  const child = run('kubectl', ['apply', '--server-side', '-f', '-'], { timeout: 120_000 });
  child.child.stdin?.end(JSON.stringify(list));
  await child;
}

/** Installs our kinds, also where they are installed already, and waits until the API server serves them. */
export async function installKinds(): Promise<void> {
  await kubectl('apply', '--server-side', '-k', 'crds');
  const names = Object.values(PLURALS).map((plural) => `crd/${plural}.${GROUP}`);
  await kubectl('wait', '--for=condition=Established', '--timeout=20s', ...names);
}

/** Makes a namespace for one test file and answers with its name; delete it with `deleteNamespace`. */
export async function createNamespace(prefix: string): Promise<string> {
  const name = `${prefix}-${process.pid}`;
  await kubectl('create', 'namespace', name);
  return name;
}

export async function deleteNamespace(name: string): Promise<void> {
  await kubectl('delete', 'namespace', name, '--wait=false');
}

/** A connection straight to the cluster, for setting up and for looking at the truth. */
export function directConnection(): KubeConnection {
  return new KubeConnection(() => loadKubeConfig(), { rateLimit: { perSecond: 500, burst: 500 } });
}

/** Waits until `check` neither throws nor rejects; its last error when that takes longer than `deadlineMs`. */
export async function until<T>(deadlineMs: number, check: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      return await check();
    } catch (thrown) {
      if (performance.now() >= end) throw thrown;
      await delay(20);
    }
  }
}

/** Waits until the condition holds. */
export async function eventually(
  deadlineMs: number,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(deadlineMs, async () => assert.ok(await holds(), what));
}
