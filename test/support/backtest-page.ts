import { compareEach, poolCompared } from '../../src/backtest/against.ts';
import { CURVE_RISKS } from '../../src/backtest/costcurve.ts';
import type { GridSeries } from '../../src/backtest/grid.ts';
import { pageOf, type BacktestPage } from '../../src/backtest/page.ts';
import type { PeerName } from '../../src/backtest/peers/peer.ts';
import { backtest, type BacktestOptions, type Replay } from '../../src/backtest/run.ts';
import type { Resource } from '../../src/recommend/usage.ts';
import { random } from './history-generator.ts';

const DAY = 288;
const START = Date.UTC(2026, 0, 5) / 1000;

/** A seeded fleet: a daily wave with noise, each series with its own level and one burst. */
export function generatedFleet(count: number, days: number): readonly GridSeries[] {
  return Array.from({ length: count }, (_, seed) => {
    const level = 0.2 * (seed + 1);
    const burst = Math.floor((7.2 + random(seed, 1)) * DAY);
    const cpu = Float64Array.from({ length: days * DAY }, (_, bin) => {
      const wave = 1 + 0.4 * Math.sin((2 * Math.PI * bin) / DAY);
      const isBurst = bin >= burst && bin < burst + 6 + seed;
      return level * wave * (0.9 + 0.2 * random(seed, bin)) * (isBurst ? 3 : 1);
    });
    return {
      dataset: 'generated',
      series: `container-${seed}`,
      startSeconds: START,
      stepSeconds: 300,
      cpu,
      memory: cpu.map((cores) => (0.5 + cores) * 2 ** 30),
    };
  });
}

const AGAINST = { cadences: ['hourly', 'daily'], cadence: 'hourly' } as const;

interface Replayed {
  readonly options?: Partial<BacktestOptions>;
  readonly peers?: readonly PeerName[];
  readonly current?: Readonly<Record<Resource, number>>;
}

/** The page of a fleet, as the command makes it. */
export function pageOfFleet(
  fleet: readonly GridSeries[],
  { options: given = {}, peers = [], current }: Replayed = {},
): BacktestPage {
  const options: BacktestOptions = {
    risks: { cpu: 0.02, memory: 0.01 },
    confidence: 0.95,
    cadence: 'steady',
    coresOf: () => 1,
    ...given,
  };
  const result = backtest(fleet, options);
  const currentOf = ({ resource }: Replay) => current?.[resource];
  const against = (resource: Resource) => {
    const against = { ...options, peers, ...AGAINST, currentOf };
    const found = poolCompared([...compareEach(result, resource, against)], resource, against);
    return peers.length === 0 || found === undefined ? {} : { [resource]: found };
  };
  return pageOf({
    source: `${fleet.length} series`,
    options,
    result,
    otherRisks: CURVE_RISKS.map((risk) =>
      backtest(fleet, { ...options, risks: { cpu: risk, memory: risk } }),
    ),
    peers: { ...against('cpu'), ...against('memory') },
    currentOf,
  });
}
