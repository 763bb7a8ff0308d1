import { Option, type Command } from 'commander';
import { LOG_LEVELS } from '../telemetry/loglevel.ts';
import { withActingFlags } from './actingflags.ts';
import { parseNamespace, parseObjectName } from './kubenames.ts';
import type { OperatorFlags } from './runoperator.ts';
import { withPrometheusFlags } from './prometheusflags.ts';
import { withShardFlags } from './shardflags.ts';

/** Adds `rightsize operator`. */
export function addOperatorCommand(program: Command): void {
  const command = program
    .command('operator')
    .summary('watch policies and keep recommendations up to date')
    .description(
      'Watches RightsizePolicy and ClusterRightsizePolicy objects, reads usage history from Prometheus and keeps a Recommendation per workload; pods are changed where a policy says so. Runs until SIGTERM or SIGINT; of several instances one writes, by a Lease, or each writes in its shard of the namespaces.',
    )
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, ~/.kube/config, in-cluster')
    .option('-n, --namespace <name>', 'watch this namespace only; default: all', parseNamespace);
  withShardFlags(withActingFlags(withPrometheusFlags(command)))
    .option('--metrics-address <host:port>', '/metrics, /healthz, /readyz', '127.0.0.1:8080')
    .option(
      '--lease-namespace <name>',
      'namespace of the Lease; default: that of the pod',
      parseNamespace,
    )
    .option('--lease-name <name>', 'name of the Lease', parseObjectName, 'rightsize')
    .option(
      '--state-dir <folder>',
      'keep usage there over restarts, as on a volume; default: nowhere',
    )
    .option(
      '--refresh <duration>',
      'time between two readings of usage, by the clock, up to 24h',
      '1h',
    )
    .addOption(new Option('--log-level <level>', 'least level').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      '\nExit codes: 0 ended by a signal, 2 flags or kubeconfig cannot be used, 1 anything else.',
    )
    .action(async (flags: OperatorFlags) => {
      // The Kubernetes client takes half a second to load, which --help need not wait for.
      const { runOperator } = await import('./runoperator.ts');
      await runOperator(flags);
    });
}
