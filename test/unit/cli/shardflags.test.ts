import assert from 'node:assert/strict';
import { Command } from 'commander';
import { shardOf, withShardFlags, type ShardFlags } from '../../../src/cli/shardflags.ts';

function flagsOf(...args: readonly string[]): ShardFlags {
  const command = withShardFlags(new Command()).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  return command.parse([...args], { from: 'user' }).opts<ShardFlags>();
}

describe('the flags of shards', () => {
  it('are left out by who shares with nobody', () => {
    assert.deepEqual(shardOf(flagsOf(), 'rightsize-6c8d9b7f54-x2x4z'), { index: 0, shards: 1 });
    assert.equal(flagsOf().kubeQps, 20);
  });

  it('name the part and the whole', () => {
    assert.deepEqual(shardOf(flagsOf('--shard=2/3'), 'laptop'), { index: 2, shards: 3 });
  });

  it('take the number of the pod in its StatefulSet', () => {
    assert.deepEqual(shardOf(flagsOf('--shards=12'), 'rightsize-11'), { index: 11, shards: 12 });
    assert.deepEqual(shardOf(flagsOf('--shards=1'), 'laptop'), { index: 0, shards: 1 });
  });

  for (const [args, pod, says] of [
    [['--shards=2'], 'laptop', /pod "laptop" has no number at the end of its name.*--shard i\/n/],
    [['--shards=2'], 'rightsize-2', /one too many for 2; set replicas of the StatefulSet to 2/],
    [['--shards=2', '--shard=0/2'], 'rightsize-0', /give one of them/],
  ] as const) {
    it(`are refused as ${args.join(' ')} in ${pod}`, () => {
      assert.throws(() => shardOf(flagsOf(...args), pod), { name: 'BadInput', message: says });
    });
  }

  it('do not go with a single namespace', () => {
    assert.throws(() => shardOf({ shards: 2, namespace: 'shop' }, 'rightsize-0'), {
      message: /leave out --namespace/,
    });
  });

  for (const arg of ['--shard=3/3', '--shard=1', '--shards=0', '--shards=65', '--kube-qps=0']) {
    it(`cannot be read as ${arg}`, () => {
      assert.throws(() => flagsOf(arg), /invalid/);
    });
  }
});
