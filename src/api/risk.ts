import { z } from 'zod';
import { percent } from './fields.ts';

export const PROFILES = ['Economy', 'Balanced', 'Careful', 'Critical'] as const;

export const cpuRisk = z
  .object({
    maxTimeOverRequest: percent(
      'Share of time that CPU demand, as means over a minute (5 minutes where Prometheus does not serve raw samples), may exceed the request. Default: from the profile.',
      { from: 0.1, to: 50, why: '; means of use cannot show less than 0.1%' },
    ).optional(),
  })
  .describe('CPU risk.');

export const memoryRisk = z
  .object({
    maxPodDaysOverLimit: percent(
      'Share of pod-days whose memory peak may exceed the limit, which is an OOM kill. Default: from the profile.',
      { from: 0.01, to: 50 },
    ).optional(),
  })
  .describe('Memory risk.');

const PROFILE_TEXT =
  'Named risk, CPU and memory: Economy 10% and 5%, Balanced 5% and 1%, Careful 2% and 0.5%, Critical 1% and 0.2%.';

export const containerRisk = z
  .object({
    profile: z.enum(PROFILES).optional().describe(`${PROFILE_TEXT} Default: what the policy says.`),
    cpu: cpuRisk.optional(),
    memory: memoryRisk.optional(),
  })
  .describe('Risk of these containers; what is left out is as in the policy.');

export const riskTolerance = z
  .object({
    profile: z
      .enum(PROFILES)
      .prefault('Balanced')
      .describe(`${PROFILE_TEXT} It fills what is left out below. Default Balanced.`),
    cpu: cpuRisk.optional(),
    memory: memoryRisk.optional(),
    confidence: percent("Share of the policy's containers that must keep the risk. Default 95%.", {
      from: 50,
      to: 99,
    }).prefault('95%'),
  })
  .prefault({})
  .describe('How much may go wrong, as numbers with a unit.');

export type ContainerRisk = z.output<typeof containerRisk>;
