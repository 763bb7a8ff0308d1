import type { UserInfo } from './address.ts';
import type { PrometheusOptions } from './options.ts';
import { readOwnFile, unfitFile } from './ownfile.ts';

type Headers = Readonly<Record<string, string>>;

/** Of these alone a header arrives as it was given: others are left out, or come in another encoding. */
const OF_HEADERS = /^[\t\x20-\x7e]*$/;
const ONE_WORD = /^[\x21-\x7e]+$/;
const LINE_OR_CONTROL = /\p{Cc}/u;

/** Whether a header arrives as it was given. */
export function isHeaderValue(value: string): boolean {
  return OF_HEADERS.test(value);
}

/**
 * The headers that are secret, read afresh. Rejects with a PrometheusError that names the file that cannot be read, or
 * that holds what would not arrive as it is, or on abort.
 */
export async function readCredentials(
  options: PrometheusOptions,
  userInfo: UserInfo | undefined,
  signal: AbortSignal,
): Promise<Headers> {
  return {
    ...(await headersOfFiles(options, signal)),
    ...(await authorization(options, userInfo, signal)),
  };
}

/** As the header `Authorization` says it. */
export function basic({ username, password }: UserInfo): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function headersOfFiles(
  { headerFiles = {} }: PrometheusOptions,
  signal: AbortSignal,
): Promise<Headers> {
  const headers: Record<string, string> = {};
  for (const [name, file] of Object.entries(headerFiles)) {
    const what = `${name} header`;
    const value = await readOwnFile(what, file, signal);
    if (value === '') throw unfitFile({ what, file }, 'it is empty', { todo: WRITE_VALUE });
    if (!isHeaderValue(value)) {
      const problem = 'it holds several lines, or characters that are not ASCII';
      throw unfitFile({ what, file }, problem, { todo: WRITE_VALUE });
    }
    headers[name] = value;
  }
  return headers;
}

const WRITE_VALUE =
  'write the value alone, as one line of ASCII, into the file of --prometheus-header-file; of a mounted Secret, look at its keys';
const WRITE_TOKEN =
  'write the token alone, without "Bearer" before it, into the file of --prometheus-token-file; of a mounted Secret, look at its keys';
const WRITE_PASSWORD = 'write the password alone into the file of --prometheus-password-file';

async function authorization(
  { bearerTokenFile, basicAuth }: PrometheusOptions,
  userInfo: UserInfo | undefined,
  signal: AbortSignal,
): Promise<Headers> {
  if (bearerTokenFile !== undefined) {
    return { authorization: `Bearer ${await readToken(bearerTokenFile, signal)}` };
  }
  if (basicAuth !== undefined) {
    const { username, passwordFile } = basicAuth;
    return {
      authorization: basic({ username, password: await readPassword(passwordFile, signal) }),
    };
  }
  return userInfo === undefined ? {} : { authorization: basic(userInfo) };
}

async function readToken(file: string, signal: AbortSignal): Promise<string> {
  const what = 'bearer token';
  const token = await readOwnFile(what, file, signal);
  if (token === '') throw unfitFile({ what, file }, 'it is empty', { todo: WRITE_TOKEN });
  if (ONE_WORD.test(token)) return token;
  const problem = 'it holds more than one word, or characters that are not ASCII';
  throw unfitFile({ what, file }, problem, { todo: WRITE_TOKEN });
}

/** It may be empty, where the user alone opens. */
async function readPassword(file: string, signal: AbortSignal): Promise<string> {
  const what = 'password';
  const password = await readOwnFile(what, file, signal);
  if (!LINE_OR_CONTROL.test(password)) return password;
  throw unfitFile({ what, file }, 'it holds more than one line', { todo: WRITE_PASSWORD });
}
