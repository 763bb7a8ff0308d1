import { Option, type Command } from 'commander';
import { Progress } from '../report/progress.ts';
import type { Context } from './clusterview.ts';
import { parseNamespace } from './kubenames.ts';
import { openCluster } from './revertcluster.ts';
import { notBack, revertJson, revertSummary, revertText } from './revertreport.ts';
import { revert, type RevertResult } from './revertrun.ts';
import {
  onlyNamespace,
  parseScope,
  scopeText,
  type Scope,
  type ScopeFlags,
} from './revertscope.ts';

interface RevertFlags extends ScopeFlags {
  readonly yes?: boolean;
  readonly suspend?: boolean;
  readonly kubeconfig?: string;
  readonly output: 'text' | 'json';
}

const EXIT_NOT_BACK = 1;
const EXIT_INTERRUPTED = 130;

/** Adds `rightsize revert`. */
export function addRevertCommand(program: Command): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  program
    .command('revert')
    .summary('put running pods and templates back to what their templates say')
    .description(
      'Puts running pods back to the sizes of their pod template, in place and without restarts, and gives back what was stated in templates (mode Rollout). Without --yes it only says what it would do. It needs no operator; it acts with the rights of your kubeconfig.',
    )
    .option('--all', 'everything in the cluster')
    .option(
      '-n, --namespace <name>',
      'all of this namespace; may be repeated',
      (text: string, before?: readonly string[]) => collect(parseNamespace(text), before),
    )
    .option(
      '--workload <namespace/kind/name>',
      'this workload, such as shop/Deployment/cart; may be repeated',
      collect,
    )
    .option('--yes', 'do it; without it nothing is changed')
    .option(
      '--suspend',
      'first suspend each workload that a policy acts on, so that it is not sized again',
    )
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, ~/.kube/config, in-cluster')
    .addOption(
      new Option('-o, --output <format>', 'form').choices(['text', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 all is back (without --yes: always), 1 something could not be put back, 2 bad input, 130 interrupted.',
    )
    .action(runRevert);
}

async function runRevert(flags: RevertFlags): Promise<void> {
  const scope = parseScope(flags);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const progress = new Progress(process.stderr);
  try {
    const result = await reverted(scope, flags, { signal: abort.signal, progress });
    progress.clear();
    print(result, scope, flags);
    if (abort.signal.aborted) interrupted('what was reached is above; the rest was not changed');
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    interrupted(
      flags.yes === true && flags.suspend === true
        ? 'no pod and no template was changed; some workloads may be suspended'
        : 'nothing was changed',
    );
  }
}

function interrupted(what: string): void {
  process.stderr.write(`interrupted; ${what}\n`);
  process.exitCode = EXIT_INTERRUPTED;
}

async function reverted(
  scope: Scope,
  { kubeconfig, yes = false, suspend = false }: RevertFlags,
  context: Context,
): Promise<RevertResult> {
  const open = await openCluster(kubeconfig, onlyNamespace(scope), context);
  try {
    for (const note of open.notes) process.stderr.write(`${note}\n`);
    return await revert(open, { scope, isDryRun: !yes, suspends: suspend }, context);
  } finally {
    await open.close();
  }
}

function print(result: RevertResult, scope: Scope, flags: RevertFlags): void {
  const failures = notBack(result);
  process.stdout.write(flags.output === 'json' ? revertJson(result) : revertText(result));
  process.stderr.write(revertSummary(result));
  if (!result.isDryRun) {
    for (const failure of failures) process.stderr.write(`not back: ${failure}\n`);
    if (failures.length > 0) process.exitCode = EXIT_NOT_BACK;
    return;
  }
  if (result.workloads.length === 0 && result.suspended.length === 0) return;
  process.stderr.write(`nothing was changed; to do it: ${again(scope, flags)}\n`);
}

function again(scope: Scope, { suspend, kubeconfig }: RevertFlags): string {
  return [
    'rightsize revert',
    scopeText(scope),
    ...(suspend === true ? ['--suspend'] : []),
    ...(kubeconfig === undefined ? [] : [`--kubeconfig '${kubeconfig}'`]),
    '--yes',
  ].join(' ');
}
