/** The thread beside that folds streamed answers; see `FoldThread`. */
import { parentPort } from 'node:worker_threads';
import { PrometheusError } from './prometheuserror.ts';
import type { FoldCall, FoldReply } from './foldcalls.ts';
import { HISTORIES } from './folds.ts';
import type { PackedUsage } from '../recommend/packed.ts';
import { createRawFolds, type RawAnswer, type RawFolds } from './rawfolds.ts';

const readings = new Map<number, RawFolds<PackedUsage>>();
const answers = new Map<number, RawAnswer>();

function answerOf(answer: number): RawAnswer {
  const open = answers.get(answer);
  if (open === undefined) throw new Error(`answer ${answer} was not begun`);
  return open;
}

type AnswerCall = Exclude<FoldCall, { readonly reading: number }>;

async function reply(call: FoldCall): Promise<FoldReply> {
  if (!('reading' in call)) return replyOf(answerOf(call.answer), call);
  switch (call.do) {
    case 'begin': {
      const { reading, question } = call;
      const folds = readings.get(reading) ?? createRawFolds(HISTORIES, question.stepSeconds);
      readings.set(reading, folds);
      answers.set(call.answer, folds.begin(question));
      return {};
    }
    case 'close':
      return { usage: (await readings.get(call.reading)?.close(call.workload)) ?? new Map() };
    case 'forget':
      readings.delete(call.reading);
      return {};
  }
}

async function replyOf(answer: RawAnswer, call: AnswerCall): Promise<FoldReply> {
  switch (call.do) {
    case 'take':
      await answer.take(new Uint8Array(call.bytes, 0, call.length));
      return { samples: answer.samples, bytes: call.bytes };
    case 'end':
      await answer.end();
      return {};
    case 'fold': {
      const folded = await answer.fold();
      answers.delete(call.answer);
      return { folded };
    }
    case 'drop':
      answers.delete(call.answer);
      return {};
  }
}

parentPort?.on('message', (call: FoldCall) => {
  void reply(call)
    .catch((error: unknown): FoldReply => {
      // Anything else is a bug, which ends the thread.
      if (!(error instanceof PrometheusError)) throw error;
      const { reason, message, tooLarge } = error;
      return { failure: { reason, message, tooLarge } };
    })
    .then((sent) => parentPort?.postMessage(sent, sent.bytes === undefined ? [] : [sent.bytes]));
});
