import { hostname } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { BadInput } from './failure.ts';

export interface ShardFlags {
  readonly shard?: Shard;
  readonly shards?: number;
  readonly kubeQps: number;
}

/** Shard `index` of `shards`, from 0 on. */
export interface Shard {
  readonly index: number;
  readonly shards: number;
}

/** A Lease lists the shards that it hands over to. */
const MOST_SHARDS = 64;

/** Adds the flags by which several instances share a cluster. */
export function withShardFlags(command: Command): Command {
  return command
    .option('--shard <i/n>', 'work on part i of n of the namespaces, 0/3 to 2/3', parseShard)
    .option(
      '--shards <n>',
      'the same for a pod of a StatefulSet, whose number is that of its shard',
      parseShards,
    )
    .option(
      '--kube-qps <number>',
      'most calls per second to the API server, twice as many at once after a quiet time',
      parseQps,
      20,
    );
}

function parseShard(text: string): Shard {
  const [, index, shards] = /^(\d{1,2})\/(\d{1,2})$/.exec(text) ?? [];
  const shard = { index: Number(index), shards: Number(shards) };
  if (shard.shards >= 1 && shard.shards <= MOST_SHARDS && shard.index < shard.shards) return shard;
  throw new InvalidArgumentError(
    `write which part of how many, up to ${MOST_SHARDS}, counted from 0, such as 0/3.`,
  );
}

function parseShards(text: string): number {
  const shards = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (shards >= 1 && shards <= MOST_SHARDS) return shards;
  throw new InvalidArgumentError(`write a number of shards from 1 to ${MOST_SHARDS}.`);
}

function parseQps(text: string): number {
  const qps = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (qps >= 1 && qps <= 1000) return qps;
  throw new InvalidArgumentError('write a whole number of calls from 1 to 1000.');
}

/** Which part of the namespaces this instance works on. Throws BadInput. */
export function shardOf(
  { shard, shards, namespace }: Omit<ShardFlags, 'kubeQps'> & { readonly namespace?: string },
  pod = process.env['POD_NAME'] ?? hostname(),
): Shard {
  if (shard !== undefined && shards !== undefined) {
    throw new BadInput('--shard and --shards: give one of them');
  }
  const own = shard ?? ordinalShard(shards ?? 1, pod);
  if (own.shards > 1 && namespace !== undefined) {
    const flag = shard === undefined ? '--shards' : '--shard';
    throw new BadInput(`${flag}: namespaces are shared out whole, leave out --namespace`);
  }
  return own;
}

function ordinalShard(shards: number, pod: string): Shard {
  if (shards === 1) return { index: 0, shards };
  const [, ordinal] = /-(\d{1,4})$/.exec(pod) ?? [];
  if (ordinal === undefined) {
    throw new BadInput(
      `--shards: pod "${pod}" has no number at the end of its name, as pods of a StatefulSet have; give --shard i/n`,
    );
  }
  if (Number(ordinal) >= shards) {
    throw new BadInput(
      `--shards: pod "${pod}" is one too many for ${shards}; set replicas of the StatefulSet to ${shards}`,
    );
  }
  return { index: Number(ordinal), shards };
}
