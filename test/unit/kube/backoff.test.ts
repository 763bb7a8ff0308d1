import assert from 'node:assert/strict';
import { Backoff } from '../../../src/kube/backoff.ts';

describe('backoff of watches', () => {
  const backoff = (random: number) => new Backoff({ firstMs: 100, longestMs: 1000 }, () => random);

  it('doubles up to the longest wait, shortened by up to half', () => {
    const longest = backoff(1);
    const shortest = backoff(0);
    const waits = Array.from({ length: 6 }, () => [longest.nextMs(), shortest.nextMs()]);
    assert.deepEqual(
      waits,
      [100, 200, 400, 800, 1000, 1000].map((full) => [full, full / 2]),
    );
    longest.reset();
    assert.equal(longest.nextMs(), 100);
  });

  it('waits for as long as the server asked for', () => {
    assert.equal(backoff(1).nextMs(5), 5000);
    assert.equal(backoff(1).nextMs(0.01), 100);
  });
});
