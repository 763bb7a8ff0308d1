import assert from 'node:assert/strict';
import { answerError, statusFacts, transportError } from '../../../src/kube/errors.ts';
import { parseWatchLine } from '../../../src/kube/watch.ts';

const WHAT = 'GET /api/v1/pods';

describe('the error of an answer', () => {
  const status = (message: string, reason = '') =>
    JSON.stringify({ kind: 'Status', message, reason });
  const cases: Readonly<
    Record<string, { code: number; body: string; wantKind: string; wantMessage: string }>
  > = {
    'says what the server said': {
      code: 403,
      body: status('pods is forbidden'),
      wantKind: 'Forbidden',
      wantMessage: 'GET /api/v1/pods: Forbidden (403): pods is forbidden',
    },
    'tells an object that exists from a conflict': {
      code: 409,
      body: status('leases "a" already exists', 'AlreadyExists'),
      wantKind: 'AlreadyExists',
      wantMessage: 'GET /api/v1/pods: AlreadyExists (409): leases "a" already exists',
    },
    'tells a namespace that is being deleted from a right that is missing': {
      code: 403,
      body: JSON.stringify({
        message: 'it is being terminated',
        reason: 'Forbidden',
        details: { name: 'a', kind: 'pods', causes: [{ reason: 'NamespaceTerminating' }] },
      }),
      wantKind: 'NamespaceGone',
      wantMessage: 'GET /api/v1/pods: NamespaceGone (403): it is being terminated',
    },
    'tells a namespace that is not there from an object that is not': {
      code: 404,
      body: JSON.stringify({
        message: 'namespaces "shop" not found',
        details: { name: 'shop', kind: 'namespaces' },
      }),
      wantKind: 'NamespaceGone',
      wantMessage: 'GET /api/v1/pods: NamespaceGone (404): namespaces "shop" not found',
    },
    'takes an expired list for gone': {
      code: 410,
      body: status('', 'Expired'),
      wantKind: 'Gone',
      wantMessage: 'GET /api/v1/pods: Gone (410)',
    },
    'shows the plain text of a proxy': {
      code: 502,
      body: 'bad gateway\n',
      wantKind: 'ServerError',
      wantMessage: 'GET /api/v1/pods: ServerError (502): bad gateway',
    },
    'has a kind for every status': {
      code: 418,
      body: '[]',
      wantKind: 'Refused',
      wantMessage: 'GET /api/v1/pods: Refused (418)',
    },
  };
  for (const [what, { code, body, wantKind, wantMessage }] of Object.entries(cases)) {
    it(what, () => {
      const error = answerError(WHAT, statusFacts(code, body));
      assert.equal(error.kind, wantKind);
      assert.equal(error.message, wantMessage);
      assert.equal(error.status, code);
    });
  }

  it('keeps a long message short', () => {
    assert.equal(answerError(WHAT, statusFacts(500, 'x'.repeat(10_000))).message.length, 500);
  });

  const waits: Readonly<
    Record<string, { header?: string; body?: string; want: number | undefined }>
  > = {
    'in the header': { header: '7', want: 7 },
    'in the body': { body: '{"details":{"retryAfterSeconds":3}}', want: 3 },
    'in the header, for a month': { header: '2592000', want: 3600 },
    'in the body, for a month': { body: '{"details":{"retryAfterSeconds":2592000}}', want: 3600 },
    'as less than nothing': { header: '-5', want: undefined },
    nowhere: { want: undefined },
    'as nonsense': { header: 'soon', want: undefined },
  };
  for (const [where, { header, body = '{}', want }] of Object.entries(waits)) {
    it(`knows how long to wait when that stands ${where}`, () => {
      assert.equal(answerError(WHAT, statusFacts(429, body), header).retryAfterSeconds, want);
    });
  }
});

describe('the error in a watch', () => {
  it('asks for no more than an hour of rest', () => {
    const object = { code: 429, details: { retryAfterSeconds: 30 * 86_400 } };
    const line = JSON.stringify({ type: 'ERROR', object });
    assert.throws(() => parseWatchLine(WHAT, line), { retryAfterSeconds: 3600 });
  });
});

describe('the error of a call without an answer', () => {
  const coded = (code: string, message: string) => Object.assign(new Error(message), { code });
  const cases: Readonly<
    Record<string, { thrown: unknown; wantKind: string; wantMessage: string }>
  > = {
    'a refused connection': {
      thrown: coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:6443'),
      wantKind: 'Unreachable',
      wantMessage: 'GET /api/v1/pods: connect ECONNREFUSED 127.0.0.1:6443',
    },
    'a host of which no address answers': {
      thrown: coded('ECONNREFUSED', ''),
      wantKind: 'Unreachable',
      wantMessage: 'GET /api/v1/pods: ECONNREFUSED',
    },
    'a silent stream': {
      thrown: coded('UND_ERR_BODY_TIMEOUT', 'Body Timeout Error'),
      wantKind: 'Timeout',
      wantMessage: 'GET /api/v1/pods: Body Timeout Error',
    },
    'a passed deadline': {
      thrown: new DOMException('signal timed out', 'TimeoutError'),
      wantKind: 'Timeout',
      wantMessage: 'GET /api/v1/pods: no answer within the deadline',
    },
    'something that is no error': {
      thrown: 'broken',
      wantKind: 'Unreachable',
      wantMessage: 'GET /api/v1/pods: broken',
    },
  };
  for (const [what, { thrown, wantKind, wantMessage }] of Object.entries(cases)) {
    it(`classifies ${what}`, () => {
      const error = transportError(WHAT, thrown);
      assert.equal(error.kind, wantKind);
      assert.equal(error.message, wantMessage);
      assert.equal(error.cause, thrown);
    });
  }
});

describe('a line of a watch', () => {
  const metadata = { name: 'a', resourceVersion: '7' };
  const line = (type: string, object: unknown) => JSON.stringify({ type, object });

  const events = { ADDED: 'Set', MODIFIED: 'Set', DELETED: 'Deleted', BOOKMARK: 'Bookmark' };
  for (const [type, want] of Object.entries(events)) {
    it(`is read as ${want} when it says ${type}`, () => {
      const event = parseWatchLine('WATCH /x', line(type, { metadata }));
      assert.equal(event.kind, want);
      assert.equal(event.resourceVersion, '7');
    });
  }

  const broken: Readonly<Record<string, { text: string; wantKind: string }>> = {
    'is not JSON': { text: '<html>', wantKind: 'AnswerInvalid' },
    'has no type': { text: '{"object":{}}', wantKind: 'AnswerInvalid' },
    'has an unknown type': { text: line('EXPLODED', { metadata }), wantKind: 'AnswerInvalid' },
    'has no version': { text: line('ADDED', {}), wantKind: 'AnswerInvalid' },
    'is an error of the server': { text: line('ERROR', { code: 410 }), wantKind: 'Gone' },
    'is an error without a code': { text: line('ERROR', {}), wantKind: 'ServerError' },
  };
  for (const [what, { text, wantKind }] of Object.entries(broken)) {
    it(`is ${wantKind} when it ${what}`, () => {
      assert.throws(() => parseWatchLine('WATCH /x', text), { kind: wantKind });
    });
  }
});
