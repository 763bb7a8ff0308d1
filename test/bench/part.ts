/** One part of the benchmark, in a process of its own so that its memory is its own. Told what to do by its parent. */
import { measureFloor } from './floor.ts';
import { measureKrr } from './krr.ts';
import { measureOurs } from './ours.ts';
import type { PartMessage, PartName, Say, Task } from './task.ts';

const PARTS: Readonly<Record<PartName, (task: Task, say: Say) => Promise<void>>> = {
  floor: measureFloor,
  ours: measureOurs,
  krr: measureKrr,
};

function say(message: PartMessage): void {
  process.send?.(message);
}

// A parent that is gone wants no answer.
const orphaned = (): never => process.exit(1);
process.once('disconnect', orphaned);
process.once('message', (task: Task) => {
  PARTS[task.part](task, say).then(
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
