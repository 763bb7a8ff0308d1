import assert from 'node:assert/strict';
import fc from 'fast-check';
import type {
  ContainerOutcome,
  ResourceOutcome,
} from '../../../src/controller/containeroutcome.ts';
import { PackedOutcomes } from '../../../src/controller/packedoutcomes.ts';
import { LEVELS } from '../../../src/recommend/sizing.ts';

const PLAIN = { noNullPrototype: true };

const amount = fc.oneof(fc.double({ noNaN: true }), fc.integer());

const resource: fc.Arbitrary<ResourceOutcome> = fc.record(
  {
    promised: amount,
    judged: fc.option(
      fc.record(
        { isLive: fc.boolean(), days: amount, share: amount, isKeeping: fc.boolean() },
        PLAIN,
      ),
      { nil: undefined },
    ),
    isCutShort: fc.boolean(),
    requested: amount,
    recommended: amount,
    curve: fc.array(amount, { minLength: LEVELS.length, maxLength: LEVELS.length }),
  },
  PLAIN,
);

const container: fc.Arbitrary<ContainerOutcome> = fc.record(
  {
    cpu: resource,
    memory: resource,
    excesses: fc.array(fc.record({ day: fc.integer(), excess: amount }, PLAIN)),
  },
  PLAIN,
);

describe('the packed outcomes of a workload', () => {
  it('are those that were packed, each time that they are looked at', () => {
    fc.assert(
      fc.property(fc.array(container, { maxLength: 4 }), (containers) => {
        const packed = new PackedOutcomes(containers);
        assert.deepEqual([...packed], containers);
        assert.deepEqual([...packed], containers);
      }),
    );
  });
});
