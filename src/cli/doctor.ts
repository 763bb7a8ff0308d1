import { Option, type Command } from 'commander';
import { parseDuration } from '../api/duration.ts';
import { Progress } from '../report/progress.ts';
import type { Context } from './clusterview.ts';
import { doctorJson, doctorText, hasFailed } from './doctorreport.ts';
import type { DoctorFlags } from './doctorrun.ts';
import { reading } from './failure.ts';
import { parseNamespace } from './kubenames.ts';
import { withPrometheusFlags } from './prometheusflags.ts';

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

/** Adds `rightsize doctor`. */
export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .summary('look whether the cluster and its Prometheus are as they have to be')
    .description(
      'Looks whether usage can be read from Prometheus, and whether the cluster has what the operator works with. Reads only. Each line is OK, WARN (it works, with less than there could be) or FAIL, with what to do. Rights are those of your kubeconfig; in the pod of the operator they are those of the operator.',
    )
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, ~/.kube/config, in-cluster')
    .option(
      '-n, --namespace <name>',
      'for an operator of this namespace only; default: all',
      parseNamespace,
    )
    .option(
      '--lease-namespace <name>',
      'namespace of the Lease of the operator; default: that of the pod, and else it is not looked at',
      parseNamespace,
    )
    .option('--window <duration>', 'how far back usage is to count', '14d');
  withPrometheusFlags(command)
    .addOption(
      new Option('-o, --output <format>', 'form').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', '\nExit codes: 0 no FAIL, 1 at least one, 2 bad input, 130 interrupted.')
    .action(runDoctor);
}

async function runDoctor(flags: DoctorFlags): Promise<void> {
  const windowSeconds = reading(() => parseDuration(flags.window), '--window');
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const context: Context = { signal: abort.signal, progress: new Progress(process.stderr) };
  try {
    // The Kubernetes client takes half a second to load, which --help need not wait for.
    const { examine } = await import('./doctorrun.ts');
    const findings = await examine(flags, windowSeconds, context);
    context.progress.clear();
    process.stdout.write(flags.output === 'json' ? doctorJson(findings) : doctorText(findings));
    if (hasFailed(findings)) process.exitCode = EXIT_FAILED;
  } catch (error) {
    context.progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write('interrupted; nothing was changed\n');
    process.exitCode = EXIT_INTERRUPTED;
  }
}
