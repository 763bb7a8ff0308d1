//   test/cluster/run.sh mocha test/cluster/reflector.test.ts
import assert from 'node:assert/strict';
import { KubeConnection } from '../../src/kube/connection.ts';
import { listAt, objectAt, requiredText, textAt, type Json } from '../../src/kube/json.ts';
import { Reflector, type ReflectorOptions } from '../../src/kube/reflector.ts';
import type { Change } from '../../src/kube/store.ts';
import { BreakingProxy } from '../support/breaking-proxy.ts';
import {
  createNamespace,
  deleteNamespace,
  directConnection,
  eventually,
  until,
} from '../support/cluster.ts';

const LABEL = 'reflected';
const RECOVERY_MS = 8_000;

describe('the reflector against a real API server', function () {
  this.timeout(30_000);
  const direct = directConnection();
  let proxy: BreakingProxy;
  let namespace = '';
  let through: KubeConnection;
  let reflector: Reflector<string>;
  let errors: string[] = [];
  let changes: Change<string>[] = [];

  before(async () => {
    namespace = await createNamespace('reflector');
  });
  after(async () => {
    await deleteNamespace(namespace);
    await direct.close();
  });
  beforeEach(async () => {
    proxy = await BreakingProxy.start();
    through = new KubeConnection(() => proxy.kubeConfig());
    [errors, changes] = [[], []];
    await set('kept', '1');
    await set('changed', '1');
    await set('deleted', '1');
  });
  afterEach(async () => {
    await reflector.stop();
    await proxy.stop();
    await through.close();
  });

  const collection = () => `/api/v1/namespaces/${namespace}/configmaps`;

  function configMap(name: string, value: string): Json {
    const metadata = { name, namespace, labels: { [LABEL]: 'yes' } };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } };
  }

  /** Answers with the object's new resource version. */
  async function set(name: string, value: string): Promise<string> {
    const stored = await direct.request({
      method: 'PATCH',
      path: `${collection()}/${name}`,
      query: { fieldManager: 'test', force: true },
      contentType: 'application/apply-patch+yaml',
      body: configMap(name, value),
    });
    return requiredText(objectAt(stored, 'metadata'), 'resourceVersion');
  }

  async function remove(name: string): Promise<void> {
    await direct.request({ method: 'DELETE', path: `${collection()}/${name}` });
  }

  const valueOf = (raw: Json): string => textAt(objectAt(raw, 'data'), 'value') ?? '';

  function start(options: Partial<ReflectorOptions<string>> = {}): void {
    reflector = new Reflector({
      connection: through,
      path: collection(),
      query: { labelSelector: `${LABEL}=yes` },
      project: valueOf,
      onError: (error) => errors.push(error.message),
      onChange: (change) => changes.push(change),
      ...options,
      timing: { firstBackoffMs: 100, ...options.timing },
    });
    reflector.start();
  }

  async function startSynced(options: Partial<ReflectorOptions<string>> = {}): Promise<void> {
    start(options);
    await reflector.waitForSync(AbortSignal.timeout(RECOVERY_MS));
    await eventually(RECOVERY_MS, 'a watch is open', () => proxy.openWatches === 1);
  }

  async function onServer(): Promise<Record<string, string>> {
    const query = { labelSelector: `${LABEL}=yes` };
    const answer = await direct.request({ method: 'GET', path: collection(), query });
    const named = listAt(answer, 'items').map((raw) => {
      const name = requiredText(objectAt(raw, 'metadata'), 'name');
      return [`${namespace}/${name}`, valueOf(raw)] as const;
    });
    return Object.fromEntries(named);
  }

  /** The store, and what the changes add up to, are what a fresh GET says. */
  async function equalsServer(): Promise<void> {
    await until(RECOVERY_MS, async () => {
      const wanted = await onServer();
      assert.deepEqual(Object.fromEntries(reflector.store), wanted);
      assert.deepEqual(replay(changes), wanted);
    });
  }

  async function changeAll(): Promise<void> {
    const value = String(performance.now());
    await set('changed', value);
    await set(`added-${value.replace('.', '-')}`, value);
    await remove('deleted');
  }

  it('follows additions, changes and deletions', async () => {
    await startSynced();
    await changeAll();
    await equalsServer();
    assert.deepEqual(errors, []);
  });

  it('says nothing of a change that its projection does not show', async () => {
    await startSynced({ project: (raw) => requiredText(objectAt(raw, 'metadata'), 'name') });
    const before = changes.length;
    await set('changed', 'invisible');
    await set('visible', '1');
    await eventually(RECOVERY_MS, 'the next one has come', () => changes.length > before);
    assert.deepEqual(
      changes.slice(before).map(({ kind, key }) => [kind, key]),
      [['Added', `${namespace}/visible`]],
    );
    await remove('visible');
  });

  it('recovers from a reset of the watch by going on where it was', async () => {
    await startSynced();
    const version = await set('changed', 'before the reset');
    await equalsServer();
    proxy.requests.length = 0;
    proxy.resetWatches();
    await changeAll();
    await equalsServer();
    assert.deepEqual(
      proxy.requests.map((request) => /resourceVersion=(\d+)/.exec(request)?.[1]),
      [version],
    );
    assert.match(errors.join('\n'), /WATCH .*configmaps/);
  });

  const refused = (status: number, headers = {}) => ({
    status,
    headers,
    body: '{"message":"broken"}',
  });

  const listFaults = {
    'status 500': refused(500),
    'status 429': refused(429, { 'retry-after': '1' }),
    'a page that is not JSON': { status: 200, body: '<html>gateway</html>' },
    'a page that is not a list': { status: 200, body: '{"items":7}' },
    'a reset': 'Reset',
  } as const;
  for (const [what, fault] of Object.entries(listFaults)) {
    it(`recovers from ${what} on the list`, async () => {
      proxy.failNext('List', fault, 2);
      start();
      await eventually(RECOVERY_MS, 'the fault is shown', () => reflector.state.kind === 'Failing');
      await changeAll();
      await equalsServer();
      assert.equal(proxy.faultsLeft, 0);
      assert.equal(errors.length, 2);
      await eventually(RECOVERY_MS, 'watching again', () => reflector.state.kind === 'Watching');
    });
  }

  it('waits as long as Retry-After says', async () => {
    proxy.failNext('List', refused(429, { 'retry-after': '2' }));
    const from = performance.now();
    start();
    await reflector.waitForSync(AbortSignal.timeout(RECOVERY_MS));
    assert.ok(performance.now() - from >= 2_000);
  });

  const watchFaults = {
    'status 410': refused(410),
    'status 500': refused(500),
    'status 429': refused(429, { 'retry-after': '1' }),
  };
  for (const [what, fault] of Object.entries(watchFaults)) {
    it(`recovers from ${what} on the watch`, async () => {
      proxy.failNext('Watch', fault);
      start();
      await eventually(RECOVERY_MS, 'the fault was met', () => proxy.faultsLeft === 0);
      await changeAll();
      await equalsServer();
    });
  }

  const gone = {
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' },
  };
  const injections = {
    'a 410 in the stream': { text: `${JSON.stringify(gone)}\n`, then: 'End' },
    'a line that was cut off': { text: '{"type":"MODIFIED","object":{"metad', then: 'End' },
    'a line that is not JSON': { text: 'upstream timed out\n', then: 'GoOn' },
    'an event without a version': { text: '{"type":"ADDED","object":{}}\n', then: 'GoOn' },
  } as const;
  for (const [what, { text, then }] of Object.entries(injections)) {
    it(`recovers from ${what}`, async () => {
      await startSynced();
      proxy.injectIntoWatches(text, then);
      await changeAll();
      await equalsServer();
    });
  }

  it('lists again after a 410 in the stream and tells of what was deleted meanwhile', async () => {
    const states: string[] = [];
    await startSynced({ onState: ({ kind }) => states.push(kind) });
    proxy.silenceWatches();
    await remove('deleted');
    proxy.injectIntoWatches(`${JSON.stringify(gone)}\n`, 'End');
    await equalsServer();
    assert.deepEqual(
      changes.filter(({ kind }) => kind === 'Deleted').map(({ key }) => key),
      [`${namespace}/deleted`],
    );
    assert.equal(proxy.requests.filter((request) => request.startsWith('List')).length, 2);
    assert.deepEqual(states, ['Listing', 'Watching', 'Listing', 'Watching']);
  });

  it('recovers from a watch that has gone silent', async () => {
    await startSynced({ timing: { silenceMs: 1_500 } });
    proxy.silenceWatches();
    await changeAll();
    await equalsServer();
  });

  it('recovers from a server that accepts a watch and never answers', async () => {
    proxy.failNext('Watch', 'Silence');
    start({ timing: { silenceMs: 1_500 } });
    await eventually(RECOVERY_MS, 'the fault was met', () => proxy.faultsLeft === 0);
    await changeAll();
    await equalsServer();
  });

  it('goes on when handlers and projections throw', async () => {
    await startSynced({
      onChange: (change) => {
        changes.push(change);
        throw new Error('handler broke');
      },
      project: (raw) => {
        if (requiredText(objectAt(raw, 'metadata'), 'name') === 'kept')
          throw new Error('malformed');
        return valueOf(raw);
      },
    });
    await changeAll();
    await until(RECOVERY_MS, async () => {
      const wanted = new Map(Object.entries(await onServer()));
      wanted.delete(`${namespace}/kept`);
      assert.deepEqual(new Map(reflector.store), wanted);
    });
    assert.match(errors.join('\n'), /handle Updated of .*changed: handler broke/);
    assert.match(errors.join('\n'), /read .*kept: malformed/);
  });

  it('says when a kind is not served, and has a true, empty store then', async () => {
    start({ path: '/apis/argoproj.io/v1alpha1/rollouts' });
    await reflector.waitForSync(AbortSignal.timeout(RECOVERY_MS));
    assert.equal(reflector.state.kind, 'NotServed');
    assert.deepEqual([...reflector.store], []);
    assert.deepEqual(errors, []);
  });

  it('does not believe a first 404 of a kind that was there', async () => {
    await startSynced();
    proxy.failNext('Watch', refused(410));
    proxy.failNext('List', { status: 404, body: '404 page not found' }, 2);
    proxy.resetWatches();
    await changeAll();
    await equalsServer();
    assert.equal(proxy.faultsLeft, 0);
    const kept = changes.filter(({ kind, key }) => kind === 'Deleted' && key.endsWith('/kept'));
    assert.deepEqual(kept, []);
  });

  it('says when it may not read a kind, and why', async () => {
    const sentence = 'configmaps is forbidden: User "nobody" cannot list';
    proxy.failNext('List', { status: 403, body: JSON.stringify({ message: sentence }) });
    start();
    await eventually(RECOVERY_MS, 'forbidden', () => reflector.state.kind === 'Forbidden');
    assert.match(
      reflector.state.kind === 'Forbidden' ? reflector.state.message : '',
      /User "nobody"/,
    );
    await equalsServer();
  });

  it('loses nothing while everything breaks in turn', async () => {
    // List faults pile up until a list is due; a short backoff gets through all of them in time.
    await startSynced({ timing: { silenceMs: 1_000, longestBackoffMs: 200 } });
    const breaks = [
      () => proxy.resetWatches(),
      () => proxy.injectIntoWatches(`${JSON.stringify(gone)}\n`, 'End'),
      () => proxy.injectIntoWatches('{"type":"ADDED","obj', 'End'),
      () => proxy.silenceWatches(),
      () => proxy.failNext('List', refused(500)),
      () => proxy.failNext('List', 'Reset'),
      () => proxy.failNext('Watch', refused(410)),
      () => proxy.failNext('Watch', refused(429, { 'retry-after': '1' })),
    ];
    for (let round = 0; round < 48; round++) {
      breaks[round % breaks.length]?.();
      await set('changed', `round ${round}`);
      await (round % 2 === 0 ? set('flickering', String(round)) : remove('flickering'));
    }
    await equalsServer();
  });

  it('stops at once, in the middle of a silent watch', async () => {
    await startSynced();
    const from = performance.now();
    await reflector.stop();
    assert.ok(performance.now() - from < 500);
    assert.equal(reflector.state.kind, 'Stopped');
  });

  describe('with 600 objects', () => {
    before(async () => {
      const names = Array.from({ length: 600 }, (_, index) => `page-${index}`);
      for (let from = 0; from < names.length; from += 20) {
        await Promise.all(names.slice(from, from + 20).map((name) => set(name, name)));
      }
    });

    const pages = () => proxy.requests.filter((request) => request.startsWith('List'));

    it('lists them in pages', async () => {
      await startSynced();
      await equalsServer();
      assert.ok(reflector.store.size >= 600);
      assert.equal(pages().length, 2);
      assert.match(pages()[1] ?? '', /limit=500&continue=/);
    });

    it('starts the list again when the next page has expired', async () => {
      proxy.failNext('List', refused(410), 1, 'continue=');
      start();
      await reflector.waitForSync(AbortSignal.timeout(RECOVERY_MS));
      await equalsServer();
      assert.equal(pages().length, 4);
    });

    it('can ask for metadata only', async () => {
      await startSynced({
        content: 'Metadata',
        project: (raw) => `${textAt(raw, 'kind') ?? ''}: ${Object.keys(raw).sort().join()}`,
      });
      await set('metadata-only', '1');
      const key = `${namespace}/metadata-only`;
      await eventually(RECOVERY_MS, 'the new one came', () => reflector.store.has(key));
      assert.deepEqual(
        new Set(reflector.store.values()),
        new Set(['PartialObjectMetadata: apiVersion,kind,metadata']),
      );
    });
  });
});

function replay(changes: readonly Change<string>[]): Record<string, string> {
  const state = new Map<string, string>();
  for (const change of changes) {
    assert.equal(state.has(change.key), change.kind !== 'Added', `${change.kind} ${change.key}`);
    if (change.kind === 'Deleted') state.delete(change.key);
    else state.set(change.key, change.item);
  }
  return Object.fromEntries(state);
}
