import type { PrometheusClient } from './client.ts';
import { PrometheusError } from './prometheuserror.ts';
import { isUnfit } from './readers.ts';

/**
 * Whether the server is Prometheus itself, by what it says of its build: Mimir names itself as the application, VictoriaMetrics
 * says no revision. (Cortex and Thanos say the same as Prometheus.) False also where it does not say; undefined where it was
 * not to be reached, or busy. Rejects on abort alone.
 */
export async function isPrometheus(
  client: Pick<PrometheusClient, 'status'>,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    const { data } = await client.status('buildinfo', signal);
    return (
      typeof data === 'object' && data !== null && 'revision' in data && !('application' in data)
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PrometheusError) return isUnfit(error) ? false : undefined;
    throw error;
  }
}
