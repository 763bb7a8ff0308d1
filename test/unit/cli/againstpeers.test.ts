import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { pageOf } from '../../../src/backtest/page.ts';
import { PEER_NAMES } from '../../../src/backtest/peers/peer.ts';
import { backtest, type BacktestOptions } from '../../../src/backtest/run.ts';
import { renderComparison } from '../../../src/backtest/comparisontext.ts';
import { againstPeers, parseAgainst, type AgainstInput } from '../../../src/cli/againstpeers.ts';
import { renderBacktestPage } from '../../../src/report/html/backtestpage.ts';
import { Progress } from '../../../src/report/progress.ts';
import { generatedFleet } from '../../support/backtest-page.ts';

const OPTIONS: BacktestOptions = {
  risks: { cpu: 0.05, memory: 0.01 },
  confidence: 0.95,
  cadence: 'steady',
  coresOf: () => 1,
};

describe('what ours is compared with', () => {
  it('is named one by one, each once', () => {
    assert.deepEqual(parseAgainst('krr, vpa,krr'), { peers: ['krr', 'vpa'], current: 'No' });
    assert.deepEqual(parseAgainst('current'), { peers: [], current: 'Asked' });
    assert.deepEqual(parseAgainst('max,current'), { peers: ['max'], current: 'Asked' });
  });

  it('is all there is', () => {
    assert.deepEqual(parseAgainst('all'), { peers: PEER_NAMES, current: 'IfKnown' });
  });

  it('is refused where there is none of that name', () => {
    assert.throws(() => parseAgainst('vpa,goldilocks'), /"goldilocks" is none of current, vpa, /);
    assert.throws(() => parseAgainst(''), /"" is none of/);
  });
});

describe('the requests of today in a comparison', () => {
  const result = backtest(generatedFleet(3, 9), OPTIONS);
  const none = new Writable() as unknown as NodeJS.WriteStream;
  const context = { signal: new AbortController().signal, progress: new Progress(none) };

  function compared(input: Partial<AgainstInput>) {
    const against = parseAgainst('current');
    const all = { result, options: OPTIONS, against, currentOf: () => 50, ...input };
    return againstPeers(all, context);
  }

  const generous: AgainstInput['currentOf'] = ({ resource }) =>
    resource === 'cpu' ? 100 : 2 ** 40;

  it('stand beside ours on both resources, without a rule', async () => {
    const { cpu, memory } = await compared({ currentOf: generous });
    assert.ok(cpu && memory);
    assert.deepEqual([cpu.comparison.lines, memory.comparison.lines], [[], []]);
    assert.deepEqual([cpu.comparison.current?.series, cpu.comparison.current?.ex], [3, 0]);
    assert.equal(memory.comparison.current?.daysHit, 0);
  });

  it('are a line of the table, without a comparison at equal promise', async () => {
    const { cpu } = await compared({ currentOf: generous });
    assert.ok(cpu);
    const text = renderComparison(cpu.comparison);
    assert.match(text, /^today .* 3 series whose request is known$/m);
    assert.doesNotMatch(text, /equal promise|Ours \/ peer/);
  });

  it('are a line of the page, beside the cost at other risks', async () => {
    const peers = await compared({ currentOf: generous });
    const parts = { source: 'made', options: OPTIONS, result, otherRisks: [], peers };
    const html = renderBacktestPage(pageOf({ ...parts, currentOf: generous }));
    assert.match(html, /Beside the requests of today/);
    assert.match(html, /<th scope="row">today<\/th>/);
    assert.doesNotMatch(html, /ours ÷ peer/i);
    assert.match(html, /Cost versus risk<\/h3>[^]*?<figure><svg/);
  });

  it('are over where they are too small', async () => {
    const { cpu } = await compared({ currentOf: () => 1e-3 });
    assert.equal(cpu?.comparison.current?.ex, 1);
  });

  it('are those of the series that have one', async () => {
    const { cpu } = await compared({
      currentOf: ({ series }) => (series.series === 'container-1' ? 1 : undefined),
    });
    assert.deepEqual([cpu?.comparison.own.series, cpu?.comparison.current?.series], [3, 1]);
  });

  it('make no comparison where none is known, or none was asked for', async () => {
    assert.deepEqual(await compared({ currentOf: () => undefined }), {});
    assert.deepEqual(await compared({ against: { peers: [], current: 'No' } }), {});
    const { cpu } = await compared({ against: parseAgainst('max') });
    assert.equal(cpu?.comparison.current, undefined);
    assert.equal(cpu?.comparison.lines.length, 2);
  });

  it('are not waited for when interrupted', async () => {
    const abort = new AbortController();
    abort.abort();
    const given = { result, options: OPTIONS, against: parseAgainst('all'), currentOf: () => 1 };
    await assert.rejects(againstPeers(given, { ...context, signal: abort.signal }), {
      name: 'AbortError',
    });
  });
});
