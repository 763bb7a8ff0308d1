/** Figures by what they are of, such as "cpu vpa at equal ex: ratio". */
export type Figures = ReadonlyMap<string, number>;

/** One rule over a set of series, as our backtest names it. */
interface OwnScore {
  readonly series: number;
  readonly keep: number;
  readonly ex: number;
  readonly vol: number;
  readonly cost: number;
  readonly slack: number;
  readonly changesPerWeek: number;
  readonly breachPerDay: number;
}

/** The JSON of `rightsize backtest`, as far as the judge gives the same. */
export interface OwnReport {
  readonly outcomes: readonly {
    readonly resource: string;
    readonly protocol: string;
    readonly all: OwnScore;
    readonly datasets: readonly { readonly dataset: string; readonly score: OwnScore }[];
  }[];
  readonly comparisons: readonly {
    readonly resource: string;
    readonly lines: readonly {
      readonly peer: string;
      readonly cadence: string;
      readonly shipped: OwnScore;
      readonly atOurs: readonly {
        readonly promised: { readonly kind: string };
        readonly ratio: number;
      }[];
    }[];
  }[];
}

/** One rule over a set of series, as the judge names it: what is kept is by risk, or of the only one. */
interface JudgeScore {
  readonly series: number;
  readonly keep: number | Readonly<Record<string, number>>;
  readonly ex: number;
  readonly vol: number;
  readonly cost: number;
  readonly slack: number;
  readonly changes: number;
  readonly breach: number;
}

interface JudgePeer {
  readonly as_shipped: JudgeScore;
  readonly equal_keep?: { readonly ratio: number };
  readonly equal_ex?: { readonly ratio: number };
  readonly equal_breach?: { readonly ratio: number };
}

interface JudgeResource {
  readonly own: JudgeScore;
  readonly keep: number;
  readonly datasets: readonly (JudgeScore & { readonly dataset: string })[];
  readonly peers: Readonly<Record<string, JudgePeer>>;
}

/** The JSON of `judge.py score`. */
export interface JudgeReport {
  /** ["passed"], or what was missed, in words. */
  readonly verdict: readonly string[];
  readonly cpu?: JudgeResource;
  readonly memory?: JudgeResource;
}

/** Ours for one protocol. Of the peers those that decide daily, as all of the judge's do. */
export function ownFigures(
  { outcomes, comparisons }: OwnReport,
  protocol: 'daily' | 'short',
): Figures {
  const found = new Map<string, number>();
  for (const { resource, all, datasets } of outcomes.filter((one) => one.protocol === protocol)) {
    addOwn(found, resource, all);
    for (const { dataset, score } of datasets) addOwn(found, `${resource} ${dataset}`, score);
  }
  for (const { resource, lines } of protocol === 'daily' ? comparisons : []) {
    for (const { peer, shipped, atOurs } of lines.filter(({ cadence }) => cadence === 'daily')) {
      addOwn(found, `${resource} ${peer}`, shipped);
      for (const { promised, ratio } of atOurs) {
        found.set(`${resource} ${peer} at equal ${promised.kind}: ratio`, ratio);
      }
    }
  }
  return found;
}

/** The judge's, by the same names. */
export function judgeFigures(report: JudgeReport): Figures {
  const found = new Map<string, number>();
  for (const resource of ['cpu', 'memory'] as const) {
    const judged = report[resource];
    if (judged === undefined) continue;
    addJudged(found, resource, { ...judged.own, keep: judged.keep });
    for (const each of judged.datasets) addJudged(found, `${resource} ${each.dataset}`, each);
    for (const [peer, theirs] of Object.entries(judged.peers)) {
      addPeer(found, `${resource} ${peer}`, theirs);
      // Of a peer the judge says by time over the request what is kept, ours of memory by days.
      if (resource === 'memory') found.delete(`memory ${peer}: keep`);
    }
  }
  return found;
}

function addPeer(found: Map<string, number>, name: string, peer: JudgePeer): void {
  addJudged(found, name, peer.as_shipped);
  for (const kind of ['keep', 'ex', 'breach'] as const) {
    const ratio = peer[`equal_${kind}`]?.ratio;
    if (ratio !== undefined) found.set(`${name} at equal ${kind}: ratio`, ratio);
  }
}

function addOwn(found: Map<string, number>, name: string, score: OwnScore): void {
  const { series, keep, ex, vol, cost, slack, changesPerWeek: changes, breachPerDay } = score;
  add(found, name, { series, keep, ex, vol, cost, slack, changes, breach: breachPerDay });
}

function addJudged(found: Map<string, number>, name: string, score: JudgeScore): void {
  const { series, ex, vol, cost, slack, changes, breach } = score;
  const keep = typeof score.keep === 'number' ? score.keep : Object.values(score.keep)[0];
  add(found, name, { series, keep: keep ?? NaN, ex, vol, cost, slack, changes, breach });
}

function add(
  found: Map<string, number>,
  name: string,
  figures: Readonly<Record<string, number>>,
): void {
  for (const [figure, value] of Object.entries(figures)) found.set(`${name}: ${figure}`, value);
}
