/** One part of the benchmark, in a process of its own so that its memory is its own. Told what to do by its parent. */
import { measureFloor } from './floor.ts';
import { measureKrr } from './krr.ts';
import { measureOurs } from './ours.ts';
import { once } from 'node:events';
import {
  TAKEN_IN,
  type PartMessage,
  type PartName,
  type Say,
  type TakeIn,
  type Task,
} from './task.ts';

const PARTS: Readonly<Record<PartName, (task: Task, say: Say, takeIn: TakeIn) => Promise<void>>> = {
  floor: measureFloor,
  ours: measureOurs,
  krr: measureKrr,
};

function say(message: PartMessage): void {
  process.send?.(message);
}

async function takeIn(toSeconds: number): Promise<void> {
  const answered = once(process, 'message');
  say({ kind: 'Hour', toSeconds });
  const [answer] = (await answered) as readonly unknown[];
  if (answer !== TAKEN_IN) throw new Error(`the parent said ${String(answer)}`);
}

// A parent that is gone wants no answer.
const orphaned = (): never => process.exit(1);
process.once('disconnect', orphaned);
process.once('message', (task: Task) => {
  PARTS[task.part](task, say, takeIn).then(
    () => {
      process.off('disconnect', orphaned);
      process.disconnect();
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
