import assert from 'node:assert/strict';
import { workloadKey } from '../../src/controller/ports.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { itReadsHistories, OWNED, readHistories } from '../support/histories.ts';
import { containedPrometheus, containedVictoriaMetrics, type ContainedServer } from './servers.ts';

const SERVERS = {
  Prometheus: { start: containedPrometheus, reader: 'remote-read' },
  VictoriaMetrics: { start: containedVictoriaMetrics, reader: 'query-range' },
};

for (const [name, { start, reader }] of Object.entries(SERVERS)) {
  describe(`usage history from ${name} in a container`, function () {
    this.timeout(120_000);
    let server: ContainedServer;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    itReadsHistories(() => ({ url: server.url, reader: 'auto' }));

    it(`is read by ${reader} where nobody says how`, async () => {
      const source = createPrometheusSource({ url: server.url, reader: 'auto' });
      const choice = await source.chooseReader(AbortSignal.timeout(9000));
      source.close();
      assert.equal(choice.name, reader, choice.why);
    });

    it('is a failure by the deadline while the server stands still, and there again after it', async () => {
      const before = await readHistories({ url: server.url });
      await server.pause();
      const { usage, failures } = await readHistories({ url: server.url, timeoutSeconds: 0.5 });
      await server.resume();
      assert.equal(usage.size, 0);
      assert.deepEqual(
        OWNED.map((ref) => failures.get(workloadKey(ref))?.reason),
        OWNED.map(() => 'PrometheusTimeout'),
      );
      assert.deepEqual(await readHistories({ url: server.url }), before);
    });

    it('is read within the memory that the container may have', async () => {
      await readHistories({ url: server.url, concurrency: 16 });
      assert.ok(await server.isSound());
    });
  });
}
