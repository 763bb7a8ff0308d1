import assert from 'node:assert/strict';
import { Secrets } from '../../../src/prometheus/secrets.ts';

describe('secrets', () => {
  it('of the flags stay known however often those of files are renewed', () => {
    const secrets = new Secrets(['proxy-user:proxy-password', undefined, 'Key header value']);
    for (let i = 0; i < 1000; i++) secrets.add(`Bearer token-number-${i}`);
    const said = 'proxy-user:proxy-password, proxy-password, header, token-number-999';
    assert.equal(secrets.redact(said), '…, …, …, …');
  });

  it('of files stay known for a while after they were renewed, and are let go then', () => {
    const secrets = new Secrets([]);
    for (let i = 0; i < 1000; i++) secrets.add(`Bearer token-number-${i}`);
    assert.equal(secrets.redact('token-number-990'), '…');
    assert.equal(secrets.redact('token-number-100'), 'token-number-100');
  });

  it('are taken out as they are written in a URL, and whole where one is a part of another', () => {
    const secrets = new Secrets(['secret', 'secret/of two']);
    assert.equal(secrets.redact('a=secret%2Fof%20two&b=secret/of two'), 'a=…&b=…');
  });
});
