import assert from 'node:assert/strict';
import { Command, CommanderError } from 'commander';
import {
  prometheusOptions,
  withPrometheusFlags,
  type PrometheusFlags,
} from '../../../src/cli/prometheusflags.ts';
import type { SourceOptions } from '../../../src/prometheus/source.ts';

const URL_FLAG = ['--prometheus-url', 'http://prometheus:9090'];

function parse(...args: readonly string[]): SourceOptions {
  const command = withPrometheusFlags(new Command('x').option('-n, --namespace <name>'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parse([...URL_FLAG, ...args], { from: 'user' });
  return prometheusOptions(command.opts<PrometheusFlags>());
}

describe('the flags for Prometheus', () => {
  it('have budgets unless they say otherwise', () => {
    const { concurrency, bytesPerSecond, samplesPerSecond, share, timeoutSeconds, reader } =
      parse();
    assert.deepEqual(
      { concurrency, bytesPerSecond, samplesPerSecond, share, timeoutSeconds, reader },
      {
        concurrency: 4,
        bytesPerSecond: 20e6,
        samplesPerSecond: 5e6,
        share: 1,
        timeoutSeconds: 60,
        reader: 'auto',
      },
    );
  });

  it('take quantities and percentages, and 0 as no budget', () => {
    const { bytesPerSecond, samplesPerSecond, share } = parse(
      ...['--prometheus-bytes', '1.5M', '--prometheus-samples', '0', '--prometheus-share', '50%'],
    );
    assert.deepEqual([bytesPerSecond, samplesPerSecond, share], [1.5e6, Infinity, 0.5]);
  });

  it('keep queries in the namespace of the command', () => {
    assert.deepEqual(parse('-n', 'shop').namespaces, ['shop']);
    assert.equal(parse().namespaces, undefined);
  });

  it('collect headers, files of headers and parameters', () => {
    const { headers, headerFiles, parameters } = parse(
      ...['--prometheus-header', 'X-Scope-OrgID=a=b', '--prometheus-header-file', 'X-Key=/run/key'],
      ...['--prometheus-param', 'dedup=true', '--prometheus-param', 'x='],
    );
    assert.deepEqual(headers, { 'X-Scope-OrgID': 'a=b' });
    assert.deepEqual(headerFiles, { 'X-Key': '/run/key' });
    assert.deepEqual(parameters, [
      ['dedup', 'true'],
      ['x', ''],
    ]);
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'a header without a name',
      ['--prometheus-header', '=s3cret'],
      /--prometheus-header has no name/,
    ],
    [
      'a header that is none',
      ['--prometheus-header', 'Bearer s3cret=x'],
      /^--prometheus-header: a name is made of letters/,
    ],
    [
      'a file of a header that is none',
      ['--prometheus-header-file', 'X Api=/run/key'],
      /^--prometheus-header-file: a name is made of letters/,
    ],
    ...['s3cret\u00e4', 's3cret\u20ac', 's3cret\nX-B: c', 's3cret\u0000'].map(
      (value) =>
        [
          `a header that would arrive changed (${JSON.stringify(value.slice(6))})`,
          ['--prometheus-header', `X-A=${value}`],
          /^--prometheus-header X-A: a value is one line of ASCII/,
        ] as const,
    ),
    [
      'a header twice',
      ['--prometheus-header', 'X-A=s3cret', '--prometheus-header', 'x-a=b'],
      /^x-a is given twice/,
    ],
    [
      'a header of a flag and of a file',
      ['--prometheus-header', 'X-A=s3cret', '--prometheus-header-file', 'X-A=/run/a'],
      /^X-A is given twice/,
    ],
    [
      'a token beside a header of the same name',
      ['--prometheus-token-file', '/run/t', '--prometheus-header', 'authorization=Bearer s3cret'],
      /^--prometheus-token-file and the header Authorization .*--prometheus-header.* exclude each/,
    ],
    [
      'a token beside a user in the URL',
      ['--prometheus-token-file', '/run/t', '--prometheus-url', 'http://me:s3cret@host'],
      /^--prometheus-token-file and the user or password in --prometheus-url .* exclude each other/,
    ],
    [
      'a user beside a password in the URL',
      [
        ...['--prometheus-user', 'me', '--prometheus-password-file', 'p'],
        ...['--prometheus-url', 'http://:s3cret@host'],
      ],
      /^--prometheus-user and the user or password in --prometheus-url .* exclude each other/,
    ],
    [
      'a user with a colon',
      ['--prometheus-user', 'me:s3cret', '--prometheus-password-file', 'p'],
      /--prometheus-user: a user of basic auth has no ":"/,
    ],
    [
      'a file of a header without a name',
      ['--prometheus-header-file', 's3cret'],
      /--prometheus-header-file has no name/,
    ],
    [
      'a parameter without a name',
      ['--prometheus-param', 's3cret'],
      /--prometheus-param has no name/,
    ],
    ['a user without a password', ['--prometheus-user', 'me'], /belong together/],
    ['a certificate without a key', ['--prometheus-cert-file', 'x'], /belong together/],
    [
      'an authority without TLS',
      ['--prometheus-ca-file', '/run/ca.crt'],
      /^--prometheus-ca-file \/run\/ca\.crt is for TLS, .*--prometheus-url .*: write https:/,
    ],
    [
      'a client certificate without TLS',
      ['--prometheus-cert-file', '/run/crt', '--prometheus-key-file', '/run/key'],
      /^--prometheus-cert-file \/run\/crt is for TLS/,
    ],
    [
      'two ways to get in',
      [
        '--prometheus-user',
        'me',
        '--prometheus-password-file',
        'p',
        '--prometheus-token-file',
        't',
      ],
      /exclude each other/,
    ],
    ['no queries at once', ['--prometheus-concurrency', '0'], /whole number from 1 to 64/],
    ['half a query at once', ['--prometheus-concurrency', '1.5'], /whole number from 1 to 64/],
    ['an endless timeout', ['--prometheus-timeout', 'Infinity'], /seconds, above 0/],
    ['another reader', ['--prometheus-reader', 'export'], /Allowed choices are auto/],
  ];
  for (const [what, args, message] of wrong) {
    it(`refuse ${what}, without saying its value where it may be a secret`, () =>
      assert.throws(
        () => parse(...args),
        (error: Error) =>
          (error instanceof CommanderError || error.name === 'BadInput') &&
          message.test(error.message) &&
          !error.message.includes('s3cret'),
      ));
  }
});
