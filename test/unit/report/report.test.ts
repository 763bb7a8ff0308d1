import assert from 'node:assert/strict';
import { parse as parseYaml } from 'yaml';
import { FORMATS, renderReport, reportFooter, type ReportRow } from '../../../src/report/report.ts';

function row(name: string, change: Partial<ReportRow['status']> = {}): ReportRow {
  return {
    namespace: 'shop',
    name: `deployment-${name}`,
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    status: {
      summary: {
        cpu: '1 → 250m',
        memory: '1Gi → 420Mi',
        cpuRisk: '0.7% of 2%',
        memoryRisk: '-',
        saves: '1.5 cpu',
        status: 'Recommended',
        policy: 'RightsizePolicy/own',
        evidence: '14d',
        basis: 'OwnHistory',
        confidence: 'High',
      },
      containers: [
        {
          name: 'main',
          kind: 'Container',
          current: { requests: { cpu: '1', memory: '1Gi' }, limits: {} },
          target: { requests: { cpu: '250m', memory: '420Mi' }, limits: { memory: '420Mi' } },
          cpu: { rule: 'p95', promised: '2%', realised: '0.7%', observedDays: 14 },
          memory: {
            rule: 'peak',
            promised: '1%',
            realised: '',
            observedDays: 14,
            reason: 'OOMKilled',
          },
          evidence: {
            days: 14,
            pods: 1,
            from: '2027-01-01',
            to: '2027-01-14',
            basis: 'OwnHistory',
            confidence: 'High',
          },
          explanation: 'because',
        },
      ],
      ...change,
    },
  };
}

describe('a report', () => {
  it('is a table whose columns are in line', () => {
    assert.equal(
      renderReport([row('web'), row('a')], 'table'),
      'NAMESPACE   NAME             CPU        MEMORY        CPU RISK     MEM RISK   SAVES     STATUS\n' +
        'shop        deployment-a     1 → 250m   1Gi → 420Mi   0.7% of 2%   -          1.5 cpu   Recommended\n' +
        'shop        deployment-web   1 → 250m   1Gi → 420Mi   0.7% of 2%   -          1.5 cpu   Recommended\n',
    );
  });

  it('is a list of Recommendations, as JSON and as YAML', () => {
    const json: unknown = JSON.parse(renderReport([row('web')], 'json'));
    assert.deepEqual(json, {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'rightsize.dev/v1alpha1',
          kind: 'Recommendation',
          metadata: { namespace: 'shop', name: 'deployment-web' },
          spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
          status: row('web').status,
        },
      ],
    });
    assert.deepEqual(parseYaml(renderReport([row('web')], 'yaml')), json);
  });

  it('is a line of CSV per container and resource, in cores and bytes', () => {
    const [, cpu, memory] = renderReport([row('web')], 'csv').split('\n');
    assert.equal(cpu, 'shop,Deployment,web,main,cpu,1,0.25,,,2%,0.7%,14,High,');
    assert.equal(
      memory,
      'shop,Deployment,web,main,memory,1073741824,440401920,,440401920,1%,,14,High,OOMKilled',
    );
  });

  it('quotes cells of CSV that need it', () => {
    const text = renderReport([row('a "b",\nc')], 'csv');
    assert.ok(text.includes('\nshop,Deployment,"a ""b"",\nc",main,cpu,1,0.25,'), text);
    assert.ok(renderReport([row('a b')], 'csv').includes('\nshop,Deployment,a b,main,'));
  });

  for (const format of FORMATS) {
    it(`as ${format} is the same bytes whatever the order of the rows, and ends a line`, () => {
      const rows = [row('web'), row('api'), { ...row('x'), namespace: 'data' }];
      const text = renderReport(rows, format);
      assert.equal(renderReport([...rows].reverse(), format), text);
      assert.ok(text.endsWith('\n'));
    });

    it(`as ${format} can be empty`, () => {
      assert.ok(renderReport([], format).endsWith('\n'));
    });
  }

  it('shows control characters of a name as what they are in a table', () => {
    const table = renderReport([{ ...row('a'), name: 'a\u001b[31m\rb' }], 'table');
    assert.ok(table.includes('a\u{fffd}[31m\u{fffd}b'), table);
  });

  it('counts what would change and what is held, and sums what is saved', () => {
    const rows = [
      row('a', { savings: { cpu: '1500m', memory: '1Gi' } }),
      row('b', { reason: 'OOMKilled', savings: { cpu: '-2', memory: '-256Mi' } }),
    ];
    assert.equal(
      reportFooter(rows),
      '2 workloads: 2 would change, 1 held; saves -500m cpu and 768Mi memory\n',
    );
    assert.equal(
      reportFooter([row('a')]),
      '1 workload: 1 would change, 0 held; saves 0 cpu and 0 memory\n',
    );
  });
});
