import { z } from 'zod';
import { number, sizes, text } from './statusfields.ts';

/** What is kept of changes; those that something still rests on stay, however many. */
export const MOST_CHANGES = 24;

const changed = z
  .object({
    name: text(63, 'Container name.'),
    from: sizes('What ran before.'),
    to: sizes('What was asked for.'),
  })
  .describe('One container of the pods that were changed.');

const symptoms = z
  .object({
    pods: number('Pods looked at.'),
    oomKilled: number('Of these, how many had a container killed for memory.'),
    restarted: number('How many had a container restart.'),
    notReady: number('How many stayed not ready.'),
    throttled: number('How many were throttled.'),
  })
  .describe('What the same pods showed in as long a time before the change.');

const change = z
  .object({
    time: text(32, 'When it was decided; it was made right after.'),
    lane: z
      .enum(['Rescue', 'Return', 'Raise', 'Savings'])
      .describe(
        'Rescue: a raise after a signal of distress. Raise: one that the promise asks for. Savings: what lowers. Return: back to what was good before.',
      ),
    method: z
      .enum(['Resize', 'Evict', 'Rollout', 'Admission'])
      .describe(
        'Resize: in place. Evict: by a new pod. Rollout: by the template of the workload. Admission: of pods that were made so, as their owner asked for them.',
      ),
    pods: number('Pods that were changed alike.'),
    containers: z.array(changed).max(64).meta({
      description: 'What was changed in each of them.',
      'x-kubernetes-list-type': 'atomic',
    }),
    why: text(512, 'Why, in a sentence.'),
    signalTime: text(
      32,
      'Of a rescue: when the container was last killed for memory, by the clock of its node.',
    ).optional(),
    outcome: z
      .enum(['Watching', 'Fine', 'Unseen', 'TakenBack', 'Failed'])
      .describe(
        'Watching: until rollback.observe is over. Fine: no harm was seen. Unseen: no pod had it at the end, so that it says nothing. TakenBack: it did harm. Failed: it did not come about.',
      ),
    outcomeTime: text(32, 'When the outcome was known.').optional(),
    failures: number('Of a change that was taken back: how many in a row.').optional(),
    before: symptoms,
  })
  .describe('One change of pods that were alike.');

// Atomic: entries have no key, and are written whole.
export const changeHistory = z.array(change).max(64).meta({
  description:
    'Changes that were made, the newest last: what is watched, taken back and waited for rests on them.',
  'x-kubernetes-list-type': 'atomic',
});

export type ChangeEntry = z.output<typeof change>;
