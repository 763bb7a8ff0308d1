import type { PrometheusClient } from './client.ts';
import { PrometheusError } from './prometheuserror.ts';

/**
 * Whether the server is Prometheus itself, by what it says of its build: others that speak like it name their application
 * (Mimir, Cortex) or say no revision (VictoriaMetrics). False also where it does not say. Rejects on abort alone.
 */
export async function isPrometheus(
  client: Pick<PrometheusClient, 'status'>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { data } = await client.status('buildinfo', signal);
    return (
      typeof data === 'object' && data !== null && 'revision' in data && !('application' in data)
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PrometheusError) return false;
    throw error;
  }
}
