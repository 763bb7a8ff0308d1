//   test/cluster/run.sh mocha test/cluster/lease.test.ts
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createNamespace, deleteNamespace, eventually, kubectl } from '../support/cluster.ts';

const ELECTOR = fileURLToPath(new URL('../support/elector.ts', import.meta.url));
/** A fifth of the real times, for what does not depend on them. */
const FAST = { durationMs: 3_000, renewDeadlineMs: 2_000, renewMs: 400, lookMs: 200 };

interface Said {
  readonly event: string;
  readonly leads: boolean;
  readonly atMs: number;
}

class Candidate {
  readonly said: Said[] = [];
  readonly #child: ChildProcess;

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [ELECTOR, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('no stdout');
    createInterface(this.#child.stdout).on('line', (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
  }

  get leads(): boolean {
    return this.said.at(-1)?.leads === true;
  }

  get events(): readonly string[] {
    return this.said.map(({ event }) => event).filter((event) => event !== 'Tick');
  }

  get leadingMs(): readonly number[] {
    return this.said.filter(({ leads }) => leads).map(({ atMs }) => atMs);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.signal('SIGKILL');
    await exit;
  }
}

describe('leader election', function () {
  this.timeout(60_000);
  let namespace = '';
  const candidates: Candidate[] = [];
  before(async () => {
    namespace = await createNamespace('lease');
  });
  after(async () => deleteNamespace(namespace));
  afterEach(async () => {
    await Promise.all(candidates.splice(0).map((candidate) => candidate.end()));
  });

  function candidate(lease: string, timing: object = {}): Candidate {
    const one = new Candidate(namespace, lease, JSON.stringify(timing));
    candidates.push(one);
    return one;
  }

  async function leaderAndOther(lease: string, timing?: object): Promise<[Candidate, Candidate]> {
    const leader = candidate(lease, timing);
    await eventually(10_000, 'the first leads', () => leader.leads);
    const other = candidate(lease, timing);
    await eventually(10_000, 'the second runs', () => other.said.length > 3);
    assert.equal(other.leads, false);
    return [leader, other];
  }

  function lease(name: string, path: string): Promise<string> {
    return kubectl('get', 'lease', name, '-n', namespace, '-o', `jsonpath={.spec.${path}}`);
  }

  it('has one leader of two, and another one within 20 s of a kill -9', async () => {
    const [leader, other] = await leaderAndOther('killed');
    const holder = await lease('killed', 'holderIdentity');
    leader.signal('SIGKILL');
    const killedMs = Date.now();
    await eventually(20_000, 'the other leads', () => other.leads);
    assert.ok(
      (other.leadingMs[0] ?? Infinity) - killedMs >= 12_000,
      'not before the lease ran out',
    );
    assert.notEqual(await lease('killed', 'holderIdentity'), holder);
    assert.equal(await lease('killed', 'leaseTransitions'), '1');
  });

  it('hands over within 2 s of a SIGTERM', async () => {
    const [leader, other] = await leaderAndOther('stopped');
    const from = performance.now();
    leader.signal('SIGTERM');
    await eventually(2_000, 'the other leads', () => other.leads);
    assert.ok(performance.now() - from < 2_000);
    assert.deepEqual(leader.events, ['Elected', 'Stopped']);
  });

  it('does not act after a pause that was longer than its lease', async () => {
    const [leader, other] = await leaderAndOther('paused', FAST);
    leader.signal('SIGSTOP');
    await eventually(10_000, 'the other leads', () => other.leads);
    const said = leader.said.length;
    leader.signal('SIGCONT');
    await eventually(5_000, 'it has looked again', () => leader.said.length >= said + 10);
    assert.deepEqual(
      leader.said.slice(said).filter(({ leads }) => leads),
      [],
    );
    assert.equal(leader.events.filter((event) => event.startsWith('Lost')).length, 1);
    assert.ok(other.leads);
    assert.ok((leader.leadingMs.at(-1) ?? 0) < (other.leadingMs[0] ?? 0), 'never two leaders');
  });

  it('leads again after a pause in which nobody took over, but not before it has renewed', async () => {
    const leader = candidate('alone', FAST);
    await eventually(10_000, 'it leads', () => leader.leads);
    leader.signal('SIGSTOP');
    const from = performance.now();
    await eventually(5_000, 'the deadline has passed', () => performance.now() - from > 2_500);
    const said = leader.said.length;
    leader.signal('SIGCONT');
    await eventually(5_000, 'it leads again', () => leader.said.length > said + 1 && leader.leads);
    assert.equal(leader.said[said]?.leads, false);
    assert.match(leader.events.join(), /^Elected,Lost: [^,]*,Elected$/);
  });

  it('stops leading when somebody else takes the lease', async () => {
    const leader = candidate('stolen', FAST);
    await eventually(10_000, 'it leads', () => leader.leads);
    const spec = { holderIdentity: 'thief', leaseDurationSeconds: 3 };
    await kubectl(
      'patch',
      'lease',
      'stolen',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec }),
    );
    await eventually(2_000, 'it stops', () => !leader.leads);
    assert.match(leader.events.join(), /Lost: thief holds the lease now/);
    await eventually(10_000, 'it leads when the thief has not renewed', () => leader.leads);
  });

  it('makes the lease anew when it was deleted', async () => {
    const leader = candidate('lost', FAST);
    await eventually(10_000, 'it leads', () => leader.leads);
    await kubectl('delete', 'lease', 'lost', '-n', namespace);
    await eventually(5_000, 'the lease is there', async () => {
      const names = await kubectl('get', 'lease', '-n', namespace, '-o', 'name');
      return names.includes('lease.coordination.k8s.io/lost');
    });
    await eventually(5_000, 'it leads', () => leader.leads);
  });
});
