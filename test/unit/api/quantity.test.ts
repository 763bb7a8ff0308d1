import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatCpu,
  formatMemory,
  parseCpu,
  parseMemory,
  QuantityError,
  readableCpu,
  readableMemory,
} from '../../../src/api/quantity.ts';

const MEBIBYTE = 2 ** 20;
const GIBIBYTE = 2 ** 30;

describe('CPU quantities', () => {
  const wantCores: Readonly<Record<string, number>> = {
    '0': 0,
    '2': 2,
    '+2': 2,
    '0.1': 0.1,
    '.5': 0.5,
    '1.': 1,
    '100m': 0.1,
    '1500m': 1.5,
    '250000u': 0.25,
    '1n': 1e-9,
    '1e3': 1000,
    '1E3': 1000,
    '1e-3': 0.001,
    '2k': 2000,
    ' 250m ': 0.25,
  };
  for (const [text, want] of Object.entries(wantCores)) {
    it(`reads "${text}" as ${want} cores`, () => assert.equal(parseCpu(text), want));
  }

  it('reads a number that JSON carries as such', () => assert.equal(parseCpu(2), 2));

  const wantText: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.25, '250m'],
    [2, '2'],
    [1.5, '1500m'],
    // Rounded up to the next millicore, so that no format gives less than was asked for.
    [0.0001, '1m'],
    [0.2501, '251m'],
    // 0.1 + 0.2 = 0.30000000000000004, which is 300m all the same.
    [0.1 + 0.2, '300m'],
  ];
  for (const [cores, want] of wantText) {
    it(`writes ${cores} cores as ${want}`, () => assert.equal(formatCpu(cores), want));
  }

  it('come back as they were after writing and reading, in whole millicores', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (millicores) => {
        assert.equal(parseCpu(formatCpu(millicores / 1000)), millicores / 1000);
      }),
    );
  });
});

describe('memory quantities', () => {
  const wantBytes: Readonly<Record<string, number>> = {
    '0': 0,
    '128974848': 128_974_848,
    '129e6': 129_000_000,
    '129M': 129_000_000,
    '123Mi': 123 * MEBIBYTE,
    '1.5Gi': 1.5 * GIBIBYTE,
    '4.35k': 4350,
    '1Ti': 2 ** 40,
    '1Pi': 2 ** 50,
    '1Ei': 2 ** 60,
    '1E': 1e18,
    '1T': 1e12,
    '1P': 1e15,
    // A milli-byte is legal in Kubernetes, and rounds up to a whole one.
    '100m': 1,
    '1500m': 2,
    '0.1Ki': 103,
  };
  for (const [text, want] of Object.entries(wantBytes)) {
    it(`reads "${text}" as ${want} bytes`, () => assert.equal(parseMemory(text), want));
  }

  const wantText: readonly (readonly [number, string])[] = [
    [0, '0'],
    [1000, '1000'],
    [1024, '1Ki'],
    [512 * MEBIBYTE, '512Mi'],
    [1.5 * GIBIBYTE, '1536Mi'],
    [2 * GIBIBYTE, '2Gi'],
    [0.5, '1'],
  ];
  for (const [bytes, want] of wantText) {
    it(`writes ${bytes} bytes as ${want}`, () => assert.equal(formatMemory(bytes), want));
  }

  it('come back as they were after writing and reading, in whole bytes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        assert.equal(parseMemory(formatMemory(bytes)), bytes);
      }),
    );
  });
});

describe('what is not a quantity', () => {
  for (const text of [
    '',
    'two',
    '1 Gi',
    '1gi',
    '1GiB',
    '1,5',
    '0x10',
    '1e',
    '--1',
    '.',
    'NaN',
    'm',
  ]) {
    it(`refuses "${text}" and says what to write`, () => {
      const want = new QuantityError(
        `"${text}" is not a quantity; write one such as 250m or 2 for CPU, 512Mi or 4Gi for memory`,
      );
      assert.throws(() => parseCpu(text), want);
      assert.throws(() => parseMemory(text), want);
    });
  }

  for (const text of ['-1', '-100m', '-1Gi', -2]) {
    it(`refuses ${text}, which is negative`, () => {
      const want = {
        name: 'QuantityError',
        message: /is negative; write a quantity of 0 or more$/,
      };
      assert.throws(() => parseCpu(text), want);
      assert.throws(() => parseMemory(text), want);
    });
  }

  it('repeats only the beginning of a long text', () => {
    assert.throws(
      () => parseCpu('x'.repeat(10_000)),
      (error: Error) => error.message.length < 200,
    );
  });

  it('ends in a number of 0 or more or in a QuantityError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          assert.ok(parseMemory(text) >= 0);
        } catch (error) {
          assert.ok(error instanceof QuantityError);
        }
      }),
    );
  });
});

describe('amounts in columns', () => {
  const wantCpu: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.18, '180m'],
    [0.9999, '1'],
    [1, '1'],
    [2.4, '2.4'],
    [1.2345, '1.23'],
    [-0.25, '-250m'],
    [-1.5, '-1.5'],
  ];
  for (const [cores, want] of wantCpu) {
    it(`show ${cores} cores as ${want}`, () => assert.equal(readableCpu(cores), want));
  }

  const wantMemory: readonly (readonly [number, string])[] = [
    [0, '0'],
    [512, '512'],
    [420 * MEBIBYTE, '420Mi'],
    [1.8 * GIBIBYTE, '1.8Gi'],
    [3_328_599_654, '3.1Gi'],
    [-1.8 * GIBIBYTE, '-1.8Gi'],
    [1023.9 * MEBIBYTE, '1Gi'],
  ];
  for (const [bytes, want] of wantMemory) {
    it(`show ${bytes} bytes as ${want}`, () => assert.equal(readableMemory(bytes), want));
  }
});
