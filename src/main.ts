#!/usr/bin/env node
import { Command } from 'commander';
import { BadInput } from './cli/failure.ts';
import { addBacktestCommand } from './cli/backtest.ts';
import { addDoctorCommand } from './cli/doctor.ts';
import { addOperatorCommand } from './cli/operator.ts';
import { addRecommendCommand } from './cli/recommend.ts';
import { addRevertCommand } from './cli/revert.ts';
import { VERSION } from './cli/version.ts';

const EXIT_BAD_INPUT = 2;
const EXIT_FAILED = 1;

function createProgram(): Command {
  const program = new Command('rightsize')
    .description(
      'Sizes container requests and limits from real use, to a risk that you state and that is kept.',
    )
    .version(VERSION)
    .configureOutput({
      outputError: (text, write) =>
        write(`rightsize: ${oneLine(text)} (--help lists what there is)\n`),
    });
  addOperatorCommand(program);
  addRecommendCommand(program);
  addBacktestCommand(program);
  addRevertCommand(program);
  addDoctorCommand(program);
  for (const command of [program, ...program.commands]) {
    command.exitOverride((end) => {
      process.exit(end.exitCode === 0 ? 0 : EXIT_BAD_INPUT);
    });
  }
  return program;
}

/** Of commander's `error: …`, which may go on with a guess of what was meant. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ');
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader such as head has seen enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
try {
  await createProgram().parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`rightsize: ${message}\n`);
  process.exitCode = error instanceof BadInput ? EXIT_BAD_INPUT : EXIT_FAILED;
}
