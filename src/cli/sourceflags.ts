import type { Command } from 'commander';
import { BadInput } from './failure.ts';

export type SourceName = 'prometheus' | 'csv';

/** Attributes that say where a cluster and its usage are, and which part of it is meant. */
export const CLUSTER_FLAGS = /^(namespace|selector|kubeconfig|prometheus.*)$/;

/**
 * Throws BadInput for files, or a flag, that the source does not read: what says nothing was meant to say something.
 * `unread` are the attributes of such flags by source.
 */
export function refuseUnread(
  command: Command,
  { source, files }: { readonly source: SourceName; readonly files: readonly string[] },
  unread: Readonly<Record<SourceName, readonly RegExp[]>>,
): void {
  const given = command.options.find((option) => {
    const name = option.attributeName();
    const isUnread = unread[source].some((pattern) => pattern.test(name));
    return isUnread && command.getOptionValueSource(name) === 'cli';
  });
  if (given !== undefined) {
    throw new BadInput(
      `${given.long ?? given.flags} is not read with --source ${source}: leave it out`,
    );
  }
  if (source === 'csv' && files.length === 0) {
    throw new BadInput('--source csv needs at least one file');
  }
  if (source === 'prometheus' && files.length > 0) {
    throw new BadInput(`"${files.join(' ')}" is not expected; files go with --source csv`);
  }
}
