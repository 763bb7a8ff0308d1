import type { Finding } from '../controller/finding.ts';
import { checkKubernetes } from '../kube/checkup.ts';
import { KubeConnection } from '../kube/connection.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { checkPrometheus } from '../prometheus/checkup.ts';
import { createPrometheusSource } from '../prometheus/source.ts';
import type { Context } from './clusterview.ts';
import { BadInput, reading } from './failure.ts';
import { podNamespace } from './leadership.ts';
import { prometheusOptions, type PrometheusFlags } from './prometheusflags.ts';

export interface DoctorFlags extends PrometheusFlags {
  readonly kubeconfig?: string;
  readonly leaseNamespace?: string;
  readonly window: string;
  readonly output: 'text' | 'json';
}

/** All findings, in the order of the checks. Rejects with BadInput for flags that cannot be meant, or on abort. */
export async function examine(
  flags: DoctorFlags,
  windowSeconds: number,
  { signal, progress }: Context,
): Promise<readonly Finding[]> {
  const options = prometheusOptions(flags);
  // A URL or a matcher that cannot be meant is the fault of a flag, as everywhere.
  reading(() => createPrometheusSource(options)).close();
  progress.show('looking at Prometheus');
  const prometheus = await checkPrometheus(options, windowSeconds, signal);
  progress.show('looking at the cluster');
  return [...prometheus, ...(await cluster(flags, signal))];
}

async function cluster(
  { kubeconfig, namespace, leaseNamespace = podNamespace() }: DoctorFlags,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let connection: KubeConnection;
  try {
    connection = reading(() => new KubeConnection(() => loadKubeConfig(kubeconfig)));
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const todo = 'name one with --kubeconfig or KUBECONFIG, or run in a pod';
    const base = { area: 'Kubernetes', check: 'kubeconfig', result: 'FAIL' } as const;
    return [{ ...base, found: error.message, todo }];
  }
  try {
    return await checkKubernetes({ connection, namespace, leaseNamespace, signal });
  } finally {
    await connection.close();
  }
}
