import assert from 'node:assert/strict';
import { Secrets } from '../../../src/prometheus/secrets.ts';

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

describe('secrets', () => {
  it('of the flags stay known however often those of files are renewed', () => {
    const certain = [basic('proxy-user:proxy-password')];
    const secrets = new Secrets({ certain, likely: ['Key header value'] });
    for (let i = 0; i < 1000; i++) secrets.add(`Bearer token-number-${i}`);
    const said = 'proxy-user:proxy-password, proxy-password, header, token-number-999';
    assert.equal(secrets.redact(said), '…, …, …, …');
  });

  it('of files stay known for a while after they were renewed, and are let go then', () => {
    const secrets = new Secrets({});
    for (let i = 0; i < 1000; i++) secrets.add(`Bearer token-number-${i}`);
    assert.equal(secrets.redact('token-number-990'), '…');
    assert.equal(secrets.redact('token-number-100'), 'token-number-100');
  });

  it('are taken out as they are written in a URL, and whole where one is a part of another', () => {
    const secrets = new Secrets({ likely: ['secret', 'secret/of two'] });
    assert.equal(secrets.redact('a=secret%2Fof%20two&b=secret/of two'), 'a=…&b=…');
    assert.equal(secrets.redact('a=secret%2Fof+two'), 'a=…');
  });

  const passwords = ['passw0rdlong', 'abc12', 'a b:c', 'p"ä\\s+$', '7'];
  for (const password of passwords) {
    it(`of basic auth are taken out when a server read them, as with ${password}`, () => {
      const secrets = new Secrets({});
      secrets.add(basic(`bob:${password}`));
      for (const said of [
        `bad credentials for bob:${password}`,
        `"${password}" is wrong`,
        `(${encodeURIComponent(password)})`,
        `{"error":${JSON.stringify(password)}}`,
        basic(`bob:${password}`).replace(/=+$/, ''),
      ]) {
        const clean = secrets.redact(said);
        assert.ok(clean.includes('…') && !clean.includes(password), `${said} -> ${clean}`);
      }
    });
  }

  it('that are short are taken out as whole words, and left where they are a part of one', () => {
    const secrets = new Secrets({ likely: ['true', 'team'] });
    secrets.add('Bearer tok');
    assert.equal(
      secrets.redact('the token "tok" (tok) is not true'),
      'the token "…" (…) is not true',
    );
  });

  it('do not take the name of their scheme with them', () => {
    const secrets = new Secrets({});
    secrets.add('Bearer one-long-token');
    assert.equal(secrets.redact('Bearer realm, not one-long-token'), 'Bearer realm, not …');
  });

  it('are the user where there is no password', () => {
    const secrets = new Secrets({ certain: [basic('key-of-the-api:')] });
    assert.equal(secrets.redact('no such user key-of-the-api'), 'no such user …');
  });
});
