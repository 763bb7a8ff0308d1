import { Option, type Command } from 'commander';
import { renderReport, reportFooter, FORMATS, type Format } from '../report/report.ts';
import { Progress } from '../report/progress.ts';
import { PROFILES } from '../api/risk.ts';
import type { ClusterFlags, Context } from './clusterview.ts';
import { parseNamespace } from './kubenames.ts';
import { policyFromFlags, type PolicyFlags } from './policyflags.ts';
import { withPrometheusFlags } from './prometheusflags.ts';
import type { Report } from './report.ts';
import { CLUSTER_FLAGS, refuseUnread, type SourceName } from './sourceflags.ts';

interface RecommendFlags extends ClusterFlags, PolicyFlags {
  readonly source: SourceName;
  readonly output: Format;
}

const EXIT_INCOMPLETE = 1;

/** Adds `rightsize recommend`. */
export function addRecommendCommand(program: Command): void {
  const command = program
    .command('recommend')
    .summary('print recommendations once, changing nothing')
    .description(
      'Prints a recommendation for each workload, from a cluster and its Prometheus, or from CSV files of usage. Reads only; nothing needs to be installed in the cluster. Policies of the cluster count where there are any, unless flags or --policy say something else.',
    )
    .argument(
      '[file...]',
      'with --source csv: series,timestamp,cpu_cores,memory_bytes, plain or gzip',
    )
    .addOption(
      new Option('--source <source>', 'where usage comes from')
        .choices(['prometheus', 'csv'])
        .default('prometheus'),
    )
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, ~/.kube/config, in-cluster')
    .option('-n, --namespace <name>', 'this namespace only; default: all', parseNamespace)
    .option(
      '-l, --selector <labels>',
      'workloads with these labels only, such as app=web,tier=front',
    )
    .option('--policy <file>', 'a RightsizePolicy or ClusterRightsizePolicy to go by')
    .addOption(new Option('--profile <name>', 'named risk; default: Balanced').choices(PROFILES))
    .option('--cpu-risk <percent>', 'share of time that CPU demand may exceed the request')
    .option('--memory-risk <percent>', 'share of pod-days whose peak may exceed the limit')
    .option(
      '--confidence <percent>',
      'share of containers that must keep the CPU risk; default: 95%',
    )
    .option('--window <duration>', 'how far back usage counts; default: 14d');
  withPrometheusFlags(command)
    .addOption(new Option('-o, --output <format>', 'form').choices(FORMATS).default('table'))
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 usage of some workloads could not be read, 2 bad input, 130 interrupted.',
    )
    .action((files: string[], flags: RecommendFlags) => {
      refuseUnread(
        command,
        { source: flags.source, files },
        { csv: [CLUSTER_FLAGS], prometheus: [] },
      );
      return runRecommend(files, flags);
    });
}

async function runRecommend(files: readonly string[], flags: RecommendFlags): Promise<void> {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const progress = new Progress(process.stderr);
  try {
    const report = await readReport(files, flags, { signal: abort.signal, progress });
    progress.clear();
    print(report, flags.output);
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write('interrupted; nothing was changed\n');
    process.exitCode = 130;
  }
}

async function readReport(
  files: readonly string[],
  flags: RecommendFlags,
  context: Context,
): Promise<Report> {
  const policy = policyFromFlags(flags);
  if (flags.source === 'csv') {
    const { recommendTraces } = await import('./recommendtraces.ts');
    return recommendTraces(files, policy, context);
  }
  const { recommendCluster } = await import('./recommendcluster.ts');
  return recommendCluster(flags, policy, context);
}

function print({ rows, failures, notes }: Report, format: Format): void {
  for (const note of notes) process.stderr.write(`${note}\n`);
  process.stdout.write(renderReport(rows, format));
  if (format === 'table') process.stderr.write(reportFooter(rows));
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  if (failures.length > 0) process.exitCode = EXIT_INCOMPLETE;
}
