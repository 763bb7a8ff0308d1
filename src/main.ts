#!/usr/bin/env node
import { Command } from 'commander';
import { BadInput } from './cli/failure.ts';
import { addOperatorCommand } from './cli/operator.ts';
import { addRecommendCommand } from './cli/recommend.ts';
import { VERSION } from './cli/version.ts';

const EXIT_BAD_INPUT = 2;
const EXIT_FAILED = 1;

function createProgram(): Command {
  const program = new Command('rightsize')
    .description(
      'Sizes container requests and limits from real use, to a risk that you state and that is kept.',
    )
    .version(VERSION)
    .showHelpAfterError('(--help lists what there is)');
  addOperatorCommand(program);
  addRecommendCommand(program);
  for (const command of [program, ...program.commands]) {
    command.exitOverride((end) => {
      process.exit(end.exitCode === 0 ? 0 : EXIT_BAD_INPUT);
    });
  }
  return program;
}

try {
  await createProgram().parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`rightsize: ${message}\n`);
  process.exitCode = error instanceof BadInput ? EXIT_BAD_INPUT : EXIT_FAILED;
}
