import { z } from 'zod';
import { conditions, mapOf, rules } from './fields.ts';
import { changeHistory } from './history.ts';
import { MODES } from './policy.ts';
import { amounts, number, sizes, text } from './statusfields.ts';

const clamp = z
  .object({
    clamp: text(32, 'What bound the number.'),
    resource: z.enum(['cpu', 'memory']).describe('Which resource.'),
    field: z.enum(['request', 'limit']).describe('Which of the two.'),
    from: text(24, 'Value before; empty if there was none.'),
    to: text(24, 'Value after; empty if there is none.'),
    message: text(256, 'Why, in a sentence.'),
  })
  .describe('One step that changed a number.');

const resourceEvidence = {
  rule: text(512, 'How the number came about, in one sentence.'),
  promised: text(16, 'The risk that the policy states.'),
  realised: text(
    32,
    "What the same rule would have realised on this container's own history, each hour sized from the hours before it only; empty while there is too little.",
  ),
  interval: text(
    64,
    'Where the true figures lie at 95 %, as far as the judged days tell: of the days, those on which the size was passed at all, after Clopper and Pearson; for CPU also the share of time where there was any, from 7 days on and approximate.',
  ).optional(),
  worstDay: text(
    48,
    'The UTC day that fared worst, and how: for CPU its share of time above the size, for memory by how much its peak was above the size. Left out when none was.',
  ).optional(),
  supported: text(
    16,
    'Only where 7 days or more of the replay refute the promise beyond chance: the strictest looser risk that they do not refute, of 10, 5, 2, 1 and 0.5 %; none if they refute all of these.',
  ).optional(),
  observedDays: number('Whole days of use that the request rests on, gaps not counted.'),
  reason: text(64, 'Why this resource is not sized, or not lowered; empty if it is.').optional(),
};

const workOver = text(
  16,
  'Share of the work in the same replay: use above the size over all use. Left out while nothing can be judged.',
);

const oomKill = z
  .object({
    time: text(32, 'When; the beginning of the day where only metrics tell.'),
    limit: text(24, 'Memory limit of then; left out if there was none.').optional(),
  })
  .meta({
    description: 'The last kill for memory within the window, and the limit that it happened at.',
    'x-kubernetes-map-type': 'atomic',
  });

const tally = (description: string) => z.number().min(0).describe(description);

// Atomic: it is written whole or not at all.
const kept = z
  .object({
    since: text(32, 'Begin of the first hour that counts.'),
    to: text(32, 'The hours before this one are judged.'),
    cpu: z
      .object({
        hours: tally('Hours judged.'),
        samples: tally('Samples judged.'),
        over: tally('Of the samples, how many were over the recommended request.'),
      })
      .describe('CPU use against the recommended request.'),
    memory: z
      .object({
        days: tally('UTC days judged.'),
        daysHit: tally(
          'Of the days, on how many memory was over the recommended limit, or request where there is none.',
        ),
        today: z.enum(['Unseen', 'Under', 'Over']).describe('The day that is not over yet.'),
      })
      .describe('Memory use against the recommended limit.'),
    before: z
      .object({
        until: text(32, 'They hold for the hours that begin before this.'),
        cpu: text(24, 'Request of CPU.').optional(),
        memory: text(24, 'Limit of memory, or request where there is none.').optional(),
      })
      .optional()
      .describe('Sizes that stood before the last change, while hours of then are to be judged.'),
  })
  .meta({
    description:
      'How the recommended sizes fared on use that came after them. What was counted halves every 14 days; counting begins anew when the promise changes. As of the last write: hours since `to` are judged at each look.',
    'x-kubernetes-map-type': 'atomic',
  });

const container = z
  .object({
    name: text(63, 'Container name.'),
    kind: z
      .enum(['Container', 'Sidecar'])
      .describe('Sidecar: an init container that runs beside the others.'),
    current: sizes('What the workload says now.'),
    target: sizes('What is recommended.').optional(),
    uncapped: amounts(
      'Requests as computed, before rounding, bounds and all other clamps.',
    ).optional(),
    cpu: z
      .object({ ...resourceEvidence, workOver: workOver.optional() })
      .optional()
      .describe('CPU: rule and risk.'),
    memory: z
      .object({ ...resourceEvidence, oomKill: oomKill.optional() })
      .optional()
      .describe('Memory: rule and risk.'),
    evidence: z
      .object({
        days: number('Days with usage in the window.'),
        pods: number('Most pods, present and former, that ran on one of these days.'),
        from: text(32, 'Day of the first sample.'),
        to: text(32, 'Day of the last sample.'),
        basis: z
          .enum(['OwnHistory', 'Fleet', 'Prior'])
          .describe(
            "OwnHistory: the container's own use, and for memory a margin measured on public traces. Fleet: the same with a margin measured on all containers of the policy. Prior: less than a week of use, and a factor for what was not seen yet.",
          ),
        confidence: z
          .enum(['High', 'Medium', 'Low'])
          .describe(
            'High: 14 days or more. Medium: 7 days or more. Low: less, or held down by a limit.',
          ),
        behaviour: z
          .enum(['Steady', 'Diurnal', 'Bursty', 'Batch', 'Idle'])
          .optional()
          .describe(
            'What its CPU use looks like over the days before today (UTC), or all while these are less than one. Idle: hardly used. Batch: runs with little between them. Diurnal: follows the hour of the day. Bursty: a hundredth of the time at 4 times the median or more. Steady: none of these.',
          ),
      })
      .optional()
      .describe('What is known of the container.'),
    clamps: z.array(clamp).max(24).optional().meta({
      description: 'In the order in which they bound.',
      'x-kubernetes-list-type': 'atomic',
    }),
    kept: kept.optional(),
    explanation: text(1024, 'The whole story in a few sentences.'),
  })
  .describe('One container of the workload.');

const admitted = z
  .object({
    name: text(63, 'Container name.'),
    requests: amounts(
      "Requests. A resource with neither request nor limit here keeps the template's.",
    ).optional(),
    limits: amounts(
      'Limits. A resource with a request here and no limit gets none, also where the template has one.',
    ).optional(),
  })
  .describe('One container of a new pod.');

const autoscaler = z
  .object({
    name: text(253, 'Name of the HorizontalPodAutoscaler.'),
    resource: z.enum(['cpu', 'memory']).describe('Which resource it scales on.'),
    container: text(
      63,
      'The one container that it looks at; left out where it looks at all of the pod.',
    ).optional(),
    utilization: text(16, 'Its target now, as a share of the requests that there are.'),
    equivalentUtilization: text(
      16,
      'The target that makes it act at the same use once the recommended requests are there.',
    ),
    averageValue: text(
      24,
      'The same point as an amount per pod, which holds whatever the requests are.',
    ),
  })
  .describe('One target of an autoscaler.');

export const recommendationSpec = z
  .object({
    targetRef: z
      .object({
        apiVersion: text(317, 'API version of the workload.'),
        kind: text(63, 'Kind of the workload.'),
        name: text(253, 'Name of the workload, in the same namespace.'),
      })
      .meta({
        description: 'The workload that this is about; it never becomes another.',
        // The API version may follow the operator's, which then writes it anew.
        ...rules({
          rule: 'self.kind == oldSelf.kind && self.name == oldSelf.name',
          message:
            'targetRef of a Recommendation does not change: leave it as it is, the operator writes one Recommendation per workload',
        }),
      }),
  })
  .describe('Written by the operator; do not edit.');

export const recommendationStatus = z
  .object({
    conditions: conditions.optional(),
    mode: z.enum(MODES).optional().describe('Mode of the policy.'),
    policy: z
      .object({
        kind: text(63, 'RightsizePolicy or ClusterRightsizePolicy.'),
        name: text(253, 'Name of the policy.'),
        uid: text(128, 'Uid of the policy; another policy of the same name is another policy.'),
        generation: number('Generation of the policy that this follows.'),
      })
      .optional()
      .describe('The policy that sizes this workload.'),
    reason: text(64, 'The one reason why nothing is applied, or held; empty if none.').optional(),
    summary: z
      .object({
        cpu: text(64, 'CPU requests of a pod, now and recommended.'),
        memory: text(64, 'Memory requests of a pod, now and recommended.'),
        cpuRisk: text(48, 'Realised of promised, of the container that is worst off.'),
        memoryRisk: text(48, 'Realised of promised, of the container that is worst off.'),
        saves: text(48, 'Over all pods; - when nothing.'),
        status: text(80, 'State, or why it is held.'),
        policy: text(320, 'Kind and name of the policy.'),
        evidence: text(16, 'Days with usage.'),
        basis: text(16, 'What the number rests on.'),
        confidence: text(16, 'Of the container that has the least.'),
      })
      .optional()
      .describe('The columns of kubectl get.'),
    containers: mapOf(container, {
      key: 'name',
      maxItems: 64,
      description: 'One entry per container, in the order of the pod template.',
    }).optional(),
    admission: mapOf(admitted, {
      key: 'name',
      maxItems: 64,
      description:
        'What a new pod of the workload gets when it is made, instead of what its template says; left out while new pods are not sized.',
    }).optional(),
    autoscalers: z.array(autoscaler).max(16).optional().meta({
      description:
        'Targets of autoscalers that own a resource, and what they would be with the requests as computed. Left out where there is none, or not all requests are known.',
      'x-kubernetes-list-type': 'atomic',
    }),
    history: changeHistory.optional(),
    savings: amounts(
      'Requests now less requests as recommended, over all pods; negative when more is needed.',
    ).optional(),
  })
  .describe('What is recommended, why, and on what evidence.');

export type RecommendationStatus = z.output<typeof recommendationStatus>;
export type AdmittedContainer = z.output<typeof admitted>;
export type ContainerStatus = z.output<typeof container>;
export type Condition = NonNullable<RecommendationStatus['conditions']>[number];
