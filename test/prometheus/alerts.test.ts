// The alerts of docs/rollout-in-a-company.md, as Prometheus evaluates them.
//   npx mocha test/prometheus/alerts.test.ts
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { blocks, page } from '../unit/docs/pages.ts';

const run = promisify(execFile);

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}

/** What instances show, a sample a minute: `1x30` goes on for 30 minutes, `_x30` is not there. */
type Shown = Readonly<Record<string, string>>;

const pod = (number: number, shown: Shown): readonly { series: string; values: string }[] =>
  Object.entries(shown).map(([metric, values]) => ({
    series: metric.replace(/\}$/, `,job="rightsize",instance="rightsize-${number}"}`),
    values,
  }));

const shard = (number: number, of: number, leads: string) =>
  pod(number, {
    [`rightsize_shards{shard="${number}"}`]: leads.replaceAll(/\d+(?=x)/g, String(of)),
    'rightsize_leader{namespace="rightsize-system"}': leads,
  });

describe('the alerts of the docs', function () {
  this.timeout(20_000);
  let folder: string;
  let rules: Rules;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-alerts-'));
    const [text = ''] = blocks(page('docs/rollout-in-a-company.md'), 'yaml').filter((block) =>
      block.startsWith('groups:'),
    );
    rules = parse(text) as Rules;
    await writeFile(join(folder, 'rules.yaml'), text);
  });
  after(() => rm(folder, { recursive: true }));

  /** Which alerts fire after half an hour. */
  const firing = (...series: readonly ReturnType<typeof pod>[]) => firingAt('30m', ...series);

  async function firingAt(
    time: string,
    ...series: readonly ReturnType<typeof pod>[]
  ): Promise<readonly string[]> {
    const names = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
    const found = await Promise.all(names.map((name) => fires(name, time, series.flat())));
    return names.filter((_, index) => found[index]);
  }

  /** promtool says whether what is expected came: that nothing fires. */
  async function fires(
    alert: string,
    time: string,
    input: ReturnType<typeof pod>,
  ): Promise<boolean> {
    const file = join(folder, `${alert}.yaml`);
    const test = {
      interval: '1m',
      input_series: input,
      alert_rule_test: [{ eval_time: time, alertname: alert, exp_alerts: [] }],
    };
    await writeFile(file, stringify({ rule_files: ['rules.yaml'], tests: [test] }));
    try {
      await run('promtool', ['test', 'rules', file]);
      return false;
    } catch (error) {
      const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
      assert.match(stderr + stdout, /got:\[\s*0:\s*Labels/, 'promtool could not evaluate it');
      return true;
    }
  }

  it('are quiet while each shard leads, or one of two replicas', async () => {
    const three = [0, 1, 2].map((number) => shard(number, 3, '1x30'));
    assert.deepEqual(await firing(...three), []);
    const replica = (number: number, leads: string) =>
      pod(number, { 'rightsize_shards{shard="0"}': '1x30', 'rightsize_leader{a="b"}': leads });
    assert.deepEqual(await firing(replica(0, '0x30'), replica(1, '1x30')), []);
    // One that hands over to the other.
    assert.deepEqual(await firing(replica(0, '1x22 0x7'), replica(1, '0x23 1x6')), []);
  });

  it('tell of one shard of three that is gone, or does not come to lead', async () => {
    const others = [0, 1].map((number) => shard(number, 3, '1x30'));
    assert.deepEqual(await firing(...others), ['RightsizeNotWorking']);
    assert.deepEqual(await firing(...others, shard(2, 3, '1x10 _x20')), ['RightsizeNotWorking']);
    assert.deepEqual(await firing(...others, shard(2, 3, '0x30')), ['RightsizeNotWorking']);
  });

  it('tell when nothing leads, or nothing is there', async () => {
    assert.deepEqual(await firing(shard(0, 1, '0x30')), ['RightsizeNotWorking']);
    assert.deepEqual(await firing(), ['RightsizeNotWorking']);
  });

  it('tell of a shard that leads for moments between crashes', async () => {
    const others = [0, 1].map((number) => shard(number, 3, '1x30'));
    const crashing = shard(2, 3, '1x1 _x4 1x1 _x4 1x1 _x4 1x1 _x4 1x1 _x4 1x1');
    const starts = (number: number, values: string) =>
      pod(number, { 'process_start_time_seconds{a="b"}': values });
    const often = starts(2, '1x1 _x4 2x1 _x4 3x1 _x4 4x1 _x4 5x1 _x4 6x1');
    const fine = starts(0, '1x30');
    assert.deepEqual(await firing(...others, crashing, fine, often), ['RightsizeRestarts']);
    const someoneElse = pod(7, { 'process_start_time_seconds{a="b"}': '1x5 2x5 3x5 4x5 5x5' });
    assert.deepEqual(await firing(...others, shard(2, 3, '1x30'), someoneElse), []);
  });

  it('tell of usage that is not saved any more, of an instance that keeps some', async () => {
    const keeping = (number: number, saved: string, workloads: string) => [
      ...shard(number, 2, '1x300'),
      ...pod(number, {
        'rightsize_state_saved_timestamp_seconds{a="b"}': saved,
        'rightsize_usage_workloads{a="b"}': workloads,
      }),
    ];
    const [fine, fails] = ['600+60x300', '600x300'];
    assert.deepEqual(await firingAt('5h', keeping(0, fine, '7x300'), keeping(1, fails, '7x300')), [
      'RightsizeStateNotSaved',
    ]);
    assert.deepEqual(
      await firingAt('5h', keeping(0, fine, '7x300'), keeping(1, '0x300', '0x300')),
      [],
    );
  });
});
