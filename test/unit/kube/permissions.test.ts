import assert from 'node:assert/strict';
import type { Permissions } from '../../../src/controller/changeports.ts';
import { createPermissions } from '../../../src/kube/permissions.ts';
import { withAnswers, type Status } from '../../support/refusing-server.ts';
import { workloadOf } from '../../support/templated.ts';

const SIGNAL = new AbortController().signal;
const CART = workloadOf({ namespace: 'shop', kind: 'Deployment', name: 'cart' });
const YES: Status = { code: 201, body: { status: { allowed: true } } };
const NO: Status = { code: 201, body: { status: { allowed: false } } };

/** Runs `act` against these answers; `asked` is how many reviews there were by then. */
function asking(
  statuses: readonly Status[],
  act: (permissions: Permissions, clock: { now: number }) => Promise<void>,
) {
  return withAnswers(statuses, async (connection) => {
    const clock = { now: 1000 };
    await act(createPermissions(connection, { nowSeconds: () => clock.now }), clock);
  });
}

describe('what the operator may do', () => {
  const lives = { yes: { status: YES, seconds: 300 }, no: { status: NO, seconds: 60 } };
  for (const [title, { status, seconds }] of Object.entries(lives)) {
    it(`is asked for again ${seconds} seconds after a ${title}`, async () => {
      const want = status === YES;
      const { thrown, requests } = await asking([status], async (permissions, clock) => {
        assert.equal(await permissions.may('Resize', CART, SIGNAL), want);
        clock.now += seconds - 1;
        assert.equal(await permissions.may('Resize', CART, SIGNAL), want);
        clock.now += 1;
        assert.equal(await permissions.may('Resize', CART, SIGNAL), want);
      });
      assert.equal(thrown, undefined);
      assert.equal(requests.length, 2);
    });
  }

  it('is asked for once for all workloads of a namespace, but for each kind that is patched', async () => {
    const { thrown, requests } = await asking([YES], async (permissions) => {
      for (const kind of ['Deployment', 'StatefulSet'] as const) {
        for (const name of ['a', 'b']) {
          const workload = workloadOf({ namespace: 'shop', kind, name });
          for (const permission of ['Resize', 'Evict', 'PatchWorkload'] as const) {
            assert.equal(await permissions.may(permission, workload, SIGNAL), true);
          }
        }
      }
    });
    assert.equal(thrown, undefined);
    assert.equal(requests.length, 4);
  });

  it('is not known while the server cannot be asked, and nothing is kept of that', async () => {
    const broken: Status = { code: 500, message: 'broken' };
    const { thrown } = await asking([broken, YES], async (permissions) => {
      await assert.rejects(permissions.may('Evict', CART, SIGNAL), { status: 500 });
      assert.equal(await permissions.may('Evict', CART, SIGNAL), true);
    });
    assert.equal(thrown, undefined);
  });
});
