import { z } from 'zod';
import { duration, percent, rules, setOf } from './fields.ts';

const resourceName = z.enum(['cpu', 'memory']);

const direction = {
  allowed: setOf(
    resourceName,
    2,
    'Resources that may change in this direction. Default both; an empty list forbids the direction.',
  ).prefault(['cpu', 'memory']),
};

const changeWindow = z
  .object({
    schedule: z
      .string()
      .max(64)
      .meta({
        description: 'When the window opens: minute, hour, day of month, month, day of week.',
        ...rules({
          rule: "self.matches('^([0-9*,/-]+ +){4}[0-9A-Za-z*,/-]+$')",
          message:
            'write a cron schedule of five fields, such as "0 2 * * 1-5" for two o\'clock on weekdays',
        }),
      }),
    duration: duration('How long it stays open.', { from: '5m', to: '7d' }),
    timeZone: z
      .string()
      .max(64)
      .prefault('UTC')
      .describe('IANA time zone of the schedule, such as Europe/London. Default UTC.'),
  })
  .describe('A recurring time in which savings may be applied.');

export const changes = z
  .object({
    minimum: percent(
      'Smaller changes are not worth one; below 10m of CPU or 16Mi of memory none is. Default 10%.',
      { from: 0, to: 100 },
    ).prefault('10%'),
    increase: z
      .object({
        ...direction,
        cooldown: duration('Least time between two increases. Default 5m.', {
          from: '1s',
          to: '30d',
        }).prefault('5m'),
      })
      .prefault({})
      .describe('Raising requests.'),
    decrease: z
      .object({
        ...direction,
        cooldown: duration('Least time between two decreases. Default 24h.', {
          from: '1h',
          to: '30d',
        }).prefault('24h'),
        maxStep: percent('Most that one decrease takes away. Default 25%.', {
          from: 1,
          to: 100,
        }).prefault('25%'),
      })
      .prefault({})
      .describe('Lowering requests.'),
    windows: z.array(changeWindow).max(16).optional().meta({
      description:
        'Savings wait for one of these; raises that rescue do not. Default: savings at any time.',
      'x-kubernetes-list-type': 'atomic',
    }),
    maxPodsAtOnce: z
      .string()
      .max(8)
      .prefault('10%')
      .meta({
        description:
          'Most pods of a workload that are changed at the same time, a number or a share, at least one. Default 10%.',
        ...rules({
          rule: "self.matches('^([1-9][0-9]{0,3}|([1-9]|[1-9][0-9]|100)%)$')",
          message: 'write a number of pods such as "2", or a share from 1% to 100% such as "10%"',
        }),
      }),
    evictLastReplica: z
      .boolean()
      .prefault(false)
      .describe(
        'Mode Recreate: true lets the only replica of a workload be evicted, which is then away until its replacement is ready. Default false.',
      ),
    rollback: z
      .object({
        observe: duration(
          'How long a change is watched; one that harms is taken back. Default 10m.',
          {
            from: '1m',
            to: '24h',
          },
        ).prefault('10m'),
      })
      .prefault({})
      .describe('Taking back what harms.'),
  })
  .prefault({})
  .describe('How changes are made.');
