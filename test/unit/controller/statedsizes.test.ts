import assert from 'node:assert/strict';
import { statement, type StatedContainer } from '../../../src/controller/statedsizes.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
import { aWorkload } from './memorycluster.ts';

const NONE: Sizes = { requests: {}, limits: {} };

function template(sizes: Sizes) {
  const [main] = aWorkload('cart').containers;
  return { containers: main === undefined ? [] : [{ ...main, ...sizes }] };
}

function change(from: Sizes, to: Sizes) {
  return [{ name: 'main', kind: 'Container', from, to } as const];
}

function main(sizes: Sizes): StatedContainer {
  return { name: 'main', kind: 'Container', sizes };
}

describe('what is stated of a template', () => {
  const whole: Sizes = { requests: { cpu: 1, memory: 100 }, limits: { memory: 200 } };

  it('is what changes, and nothing that others state', () => {
    const to = { ...whole, requests: { cpu: 0.5, memory: 100 } };
    const { stated, foreign } = statement(change(whole, to), template(whole), []);
    assert.deepEqual(stated, [main({ requests: { cpu: 0.5 }, limits: {} })]);
    assert.deepEqual(foreign, []);
  });

  it('is also what was stated before, as server-side apply gives up what is left out', () => {
    const own = [main({ requests: { memory: 100 }, limits: {} })];
    const to = { ...whole, requests: { cpu: 0.5, memory: 100 } };
    const { stated } = statement(change(whole, to), template(whole), own);
    assert.deepEqual(stated, [main({ requests: { cpu: 0.5, memory: 100 }, limits: {} })]);
  });

  it('is what was stated of a container that does not change', () => {
    const proxy: StatedContainer = {
      name: 'proxy',
      kind: 'Sidecar',
      sizes: { requests: { cpu: 0.1 }, limits: {} },
    };
    const to = { ...whole, requests: { cpu: 0.5, memory: 100 } };
    const { stated } = statement(change(whole, to), template(whole), [proxy]);
    assert.deepEqual(stated[0], proxy);
  });

  it('states a default that the API server would draw from what changes', () => {
    const bare: Sizes = { requests: {}, limits: { memory: 200 } };
    const from: Sizes = { requests: { memory: 200 }, limits: { memory: 200 } };
    const to: Sizes = { requests: { memory: 200 }, limits: { memory: 300 } };
    const { stated } = statement(change(from, to), template(bare), []);
    assert.deepEqual(stated, [main({ requests: { memory: 200 }, limits: { memory: 300 } })]);
  });

  it('gives up a limit of ours that is to go', () => {
    const own = [main({ requests: {}, limits: { memory: 200 } })];
    const to: Sizes = { requests: whole.requests, limits: {} };
    const { stated, changes } = statement(change(whole, to), template(whole), own);
    assert.deepEqual(stated, [main(NONE)]);
    assert.deepEqual(changes[0]?.to, to);
  });

  it('leaves a limit of somebody else and names it', () => {
    const to: Sizes = { requests: whole.requests, limits: {} };
    const { changes, foreign } = statement(change(whole, to), template(whole), []);
    assert.deepEqual(changes, []);
    assert.deepEqual(foreign, ['main: memory limit']);
  });

  it('asks for room under the limit of somebody else, who is named by the server then', () => {
    const to: Sizes = { requests: { cpu: 1, memory: 300 }, limits: {} };
    const { stated, changes } = statement(change(whole, to), template(whole), []);
    assert.deepEqual(stated, [main({ requests: { memory: 300 }, limits: { memory: 300 } })]);
    assert.deepEqual(changes[0]?.to.limits, { memory: 300 });
  });
});
