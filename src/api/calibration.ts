import { z } from 'zod';

const text = (max: number, description: string) => z.string().max(max).describe(description);
const count = (description: string) => z.int().min(0).describe(description);

const level = z
  .object({
    risk: text(16, 'The risk.'),
    requests: text(24, 'Requests that it asks for, over all pods.'),
  })
  .describe('What one risk costs.');

const resourceCalibration = (description: string, kept: string) =>
  z
    .object({
      verdict: z
        .enum(['Kept', 'NotKept', 'WithinChance', 'TooLittleData'])
        .describe(
          'NotKept: worse than the promise by more than chance, so that nothing is lowered until it is kept again.',
        ),
      rule: text(256, 'What is promised, in a sentence.'),
      kept: text(16, `${kept}; left out while nothing can be judged.`).optional(),
      of: text(16, 'What is promised of that.'),
      promised: text(16, 'The risk that is promised; the mean where containers have their own.'),
      realised: text(
        16,
        'The risk that was realised, over all containers that are judged; left out while none is.',
      ).optional(),
      containers: count('Containers that are judged: those with 7 days or more to judge by.'),
      live: count(
        'Of these, how many are judged by the use that came after their recommendation; the others by replay.',
      ),
      requested: text(24, 'Requests now, over all pods.'),
      recommended: text(24, 'Requests as recommended, over all pods.'),
      cost: text(256, 'What less and more risk would cost, in a sentence.'),
      curve: z.array(level).max(8).meta({
        description:
          'Requests that each risk asks for, within bounds and over all pods, from the most risk to the least.',
        'x-kubernetes-list-type': 'atomic',
      }),
    })
    .describe(description);

// Atomic: server-side apply would leave parts of an older one.
export const calibration = z
  .object({
    day: text(10, 'UTC day that this is of.'),
    summary: z
      .object({
        kept: text(32, 'CPU: share of the containers that keep their risk, of what is promised.'),
        cpu: text(32, 'CPU: realised of promised risk.'),
        memory: text(32, 'Memory: realised of promised risk.'),
      })
      .describe('The columns of kubectl get; - where nothing can be judged.'),
    cpu: resourceCalibration(
      'CPU: time over the request.',
      'Share of the containers that keep their risk',
    ),
    memory: resourceCalibration(
      'Memory: days over the limit.',
      'Share of the days of all containers without a peak over the limit',
    ),
  })
  .meta({
    description:
      'Whether the promised risk is kept, and what it costs. Brought up to date once a UTC day, and with whatever else changes.',
    'x-kubernetes-map-type': 'atomic',
  });

export type CalibrationStatus = z.output<typeof calibration>;
