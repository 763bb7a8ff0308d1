import type { Observation } from '../api/conditions.ts';
import { holdSentence } from '../recommend/explain.ts';
import { holds, type ContainerRecommendation } from '../recommend/recommend.ts';
import { RESOURCES } from '../recommend/usage.ts';
import type { UsageFailure } from './ports.ts';
import { unattainable } from './unattainable.ts';
import { isLearning } from './summary.ts';

/** What a Recommendation has to say of itself as conditions; only what says something, but Ready always. */
export function recommendationObservations(input: {
  readonly recommendations: readonly ContainerRecommendation[];
  readonly failure: UsageFailure | undefined;
}): readonly Observation[] {
  const { recommendations, failure } = input;
  return [
    readiness(recommendations),
    ...held(recommendations),
    ...unattainable(recommendations),
    ...censored(recommendations),
    ...(failure === undefined ? [] : [degraded(failure)]),
  ];
}

function readiness(recommendations: readonly ContainerRecommendation[]): Observation {
  if (recommendations.length === 0) {
    return {
      type: 'Ready',
      status: 'True',
      reason: 'Ignored',
      message: 'The policy ignores every container of this workload.',
    };
  }
  if (isLearning(recommendations)) {
    return {
      type: 'Ready',
      status: 'False',
      reason: 'Learning',
      message: 'There is not enough usage history yet; see history.minimum of the policy.',
    };
  }
  return {
    type: 'Ready',
    status: 'True',
    reason: 'Recommended',
    message: 'The target is current; see containers for the evidence.',
  };
}

function held(recommendations: readonly ContainerRecommendation[]): readonly Observation[] {
  const texts = recommendations.flatMap((recommendation) =>
    holds(recommendation).map(
      ({ resource, reason }) =>
        `${recommendation.name}: ${resource === 'cpu' ? 'CPU' : 'memory'} is held: ${holdSentence(reason)}.`,
    ),
  );
  const [first] = recommendations.flatMap((recommendation) => holds(recommendation));
  if (first !== undefined) {
    return [{ type: 'Held', status: 'True', reason: first.reason, message: texts.join(' ') }];
  }
  return [];
}

function censored(recommendations: readonly ContainerRecommendation[]): readonly Observation[] {
  const names = recommendations
    .filter(({ resources }) => RESOURCES.some((each) => resources[each].decision.isCensored))
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      type: 'Censored',
      status: 'True',
      reason: 'HeldDownByLimit',
      message: `A limit held usage down within the window, so that it shows less than the demand: ${names.join(', ')}.`,
    },
  ];
}

function degraded({ reason, message }: UsageFailure): Observation {
  return {
    type: 'Degraded',
    status: 'True',
    reason,
    message: `Usage cannot be read, the last recommendation stays: ${message}`,
  };
}
