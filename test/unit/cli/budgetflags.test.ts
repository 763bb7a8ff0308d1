import assert from 'node:assert/strict';
import { Command, CommanderError } from 'commander';
import { withBudgetFlags, type BudgetFlags } from '../../../src/cli/budgetflags.ts';

function parse(...args: readonly string[]): BudgetFlags {
  const command = withBudgetFlags(new Command('x'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse([...args], { from: 'user' }).opts<BudgetFlags>();
}

describe('the budgets for Prometheus', () => {
  for (const [text, bytes] of [
    ['20M', 20e6],
    ['1k', 1000],
    ['1Ki', 1024],
    ['1500', 1500],
    ['2e6', 2e6],
    ['0', Infinity],
  ] as const) {
    it(`may be ${text} bytes or samples`, () => {
      assert.equal(parse('--prometheus-bytes', text).prometheusBytes, bytes);
      assert.equal(parse('--prometheus-samples', text).prometheusSamples, bytes);
    });
  }

  // 20m would be one byte in 50 seconds: nothing would ever be read, and nothing would say why.
  for (const text of ['20m', '5000000m', '9e9u', '0n', '999', '0.5', '1e-3', '-1', 'many', '']) {
    for (const flag of ['--prometheus-bytes', '--prometheus-samples']) {
      it(`may not be ${flag} "${text}"`, () => refuses(flag, text, /Write 1k or more, .*or 0 for/));
    }
  }

  for (const [text, share] of [
    ['1%', 0.01],
    ['200%', 2],
    ['0', Infinity],
    ['0%', Infinity],
  ] as const) {
    it(`may be ${text} of the server's time`, () => {
      assert.equal(parse('--prometheus-share', text).prometheusShare, share);
    });
  }

  for (const text of ['0.5', '0.9%', 'half', '1']) {
    it(`may not be "${text}" of the server's time`, () =>
      refuses('--prometheus-share', text, /Write a percentage of 1% or more, .*or 0 for/));
  }
});

function refuses(flag: string, text: string, says: RegExp): void {
  assert.throws(
    () => parse(flag, text),
    (error: Error) =>
      error instanceof CommanderError && error.message.includes(flag) && says.test(error.message),
  );
}
