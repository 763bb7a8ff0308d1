import assert from 'node:assert/strict';
import { createPodChanger } from '../../../src/kube/podchanger.ts';
import { withAnswers, type Status } from '../../support/refusing-server.ts';
import { wanted } from '../../support/changed-pods.ts';

const POD = { namespace: 'shop', name: 'cart-0', uid: 'u', resourceVersion: '7' };
const REAL = { isDryRun: false, signal: new AbortController().signal };
const DRY = { ...REAL, isDryRun: true };
const CHANGE = [wanted({ requests: { cpu: 0.25 } })];

const resize = (...statuses: readonly Status[]) =>
  withAnswers(statuses, (connection) => createPodChanger(connection).resize(POD, CHANGE, REAL));
const evict = (...statuses: readonly Status[]) =>
  withAnswers(statuses, (connection) => createPodChanger(connection).evict(POD, REAL));

describe('what the API server makes of a resize', () => {
  const cases: Readonly<Record<string, { status: Status; want: object }>> = {
    'is Infeasible where it has no such subresource': {
      status: { code: 404, message: 'the server could not find the requested resource' },
      want: {
        kind: 'Infeasible',
        message:
          'The API server does not resize pods in place; that takes Kubernetes 1.33 or newer.',
      },
    },
    'is Refused when an admission policy denies it as invalid': {
      status: {
        code: 422,
        message:
          "pods \"cart-0\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
      },
      want: {
        kind: 'Refused',
        message: "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
      },
    },
    'is Refused when a webhook denies it': {
      status: { code: 409, message: 'admission webhook "a.b" denied the request: not now' },
      want: { kind: 'Refused', message: 'admission webhook "a.b" denied the request: not now' },
    },
    'is Refused when a webhook is not there': {
      status: { code: 500, message: 'Internal error occurred: failed calling webhook "a.b": x' },
      want: {
        kind: 'Refused',
        message: 'Internal error occurred: failed calling webhook "a.b": x',
      },
    },
    'is Refused when the server has too much to do': {
      status: { code: 429, message: 'too many requests' },
      want: { kind: 'Refused', message: 'too many requests' },
    },
    'says something even when the server does not': {
      status: { code: 403, message: '' },
      want: { kind: 'Refused', message: 'The API server answered 403.' },
    },
    'is told in the first line only': {
      status: { code: 422, message: 'Pod "cart-0" is invalid: spec: Forbidden: no\n@@ -1 +1 @@' },
      want: { kind: 'Infeasible', message: 'spec: Forbidden: no' },
    },
  };
  for (const [title, { status, want }] of Object.entries(cases)) {
    it(title, async () => {
      const { answer, requests } = await resize(status);
      assert.deepEqual(answer, want);
      assert.equal(requests.length, 1);
    });
  }

  it('is Forbidden to somebody whom it does not know', async () => {
    const { answer } = await resize({ code: 401, message: 'Unauthorized' });
    assert.deepEqual(answer, { kind: 'Forbidden', message: 'Unauthorized' });
  });

  it('is told in 256 characters at most', async () => {
    const { answer } = await resize({ code: 403, message: 'x'.repeat(1000) });
    assert.equal(answer && 'message' in answer && answer.message.length, 256);
  });

  it('is Stale where it cannot be told whether it is another pod', async () => {
    const { answer } = await resize({ code: 409, message: 'modified' }, { code: 403, message: '' });
    assert.deepEqual(answer, { kind: 'Stale' });
  });

  for (const code of [500, 502, 503, 504]) {
    it(`is not known after ${code}, and it is not asked for again`, async () => {
      const { thrown, requests } = await resize({ code, message: 'broken' });
      assert.equal((thrown as { status?: number }).status, code);
      assert.equal(requests.length, 1);
    });
  }

  it('is asked for again as a dry run, which does nothing', async () => {
    const { answer, requests } = await withAnswers(
      [{ code: 503, message: 'starting' }, { code: 200 }],
      (connection) => createPodChanger(connection).resize(POD, CHANGE, DRY),
    );
    assert.deepEqual(answer, { kind: 'Accepted' });
    const url = '/api/v1/namespaces/shop/pods/cart-0/resize?fieldManager=rightsize&dryRun=All';
    assert.deepEqual(
      requests.map((request) => request.url),
      [url, url],
    );
  });
});

describe('what the API server makes of an eviction', () => {
  const cases: Readonly<Record<string, { status: Status; want: object }>> = {
    'is Blocked for as long as it says': {
      status: { code: 429, message: 'wait', retryAfterSeconds: 10 },
      want: { kind: 'Blocked', message: 'wait', retryAfterSeconds: 10 },
    },
    'is Blocked while another eviction is counted': {
      status: { code: 409, message: 'Operation cannot be fulfilled: the object has been modified' },
      want: {
        kind: 'Blocked',
        message: 'Operation cannot be fulfilled: the object has been modified',
        retryAfterSeconds: undefined,
      },
    },
    'is Refused by an admission plugin': {
      status: { code: 403, message: 'pods "cart-0" is forbidden: no' },
      want: { kind: 'Refused', message: 'no' },
    },
  };
  for (const [title, { status, want }] of Object.entries(cases)) {
    it(title, async () => {
      const { answer, requests } = await evict(status);
      assert.deepEqual(answer, want);
      assert.equal(requests.length, 1);
    });
  }

  it('is not known when it fails, and it is not asked for again', async () => {
    const { thrown, requests } = await evict({ code: 500, message: 'broken' });
    assert.equal((thrown as { status?: number }).status, 500);
    assert.equal(requests.length, 1);
  });
});
