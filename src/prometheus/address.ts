import type { AxiosProxyConfig } from 'axios';

/** What a message is to name: commander does not tell by which of both a value came. */
export const URL_NAMES = '--prometheus-url (or RIGHTSIZE_PROMETHEUS_URL)';
const PROXY_NAMES = '--prometheus-proxy (or RIGHTSIZE_PROMETHEUS_PROXY)';

export interface UserInfo {
  readonly username: string;
  readonly password: string;
}

export interface BaseUrl {
  readonly address: string;
  readonly query: URLSearchParams;
  /** As the URL held it; undefined without. */
  readonly userInfo: UserInfo | undefined;
}

/** Throws for a URL that is not one of http or https. */
export function parseBase(
  text: string,
  parameters: readonly (readonly [string, string])[],
): BaseUrl {
  const url = parseHttpUrl(text);
  if (url === undefined) throw new Error(`${URL_NAMES} is no URL: write ${suggestion(text)}`);
  const query = new URLSearchParams(url.search);
  for (const [name, value] of parameters) query.append(name, value);
  return {
    address: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    query,
    userInfo: userInfoOf(url, URL_NAMES),
  };
}

export interface Proxy {
  readonly config: AxiosProxyConfig;
  readonly userInfo: UserInfo | undefined;
}

/** Throws for what is no proxy of HTTP. */
export function parseProxy(text: string): Proxy {
  const url = parseHttpUrl(text);
  if (url === undefined) throw new Error(`${PROXY_NAMES} is no URL: write http://host:port`);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const config = { protocol: url.protocol, host: url.hostname, port };
  const userInfo = userInfoOf(url, PROXY_NAMES);
  return { config: userInfo === undefined ? config : { ...config, auth: userInfo }, userInfo };
}

/** Whether a user or a password stands in the URL. */
export function hasUserInfo(text: string): boolean {
  const url = parseHttpUrl(text);
  return url !== undefined && url.username + url.password !== '';
}

function parseHttpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['http:', 'https:'].includes(url.protocol) ? url : undefined;
}

function userInfoOf({ username, password }: URL, names: string): UserInfo | undefined {
  if (username === '' && password === '') return undefined;
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    // The error of the decoder is not kept: it may hold the password.
    throw new Error(
      `${names} has a "%" in its user or password that begins no escape: write %25 for the sign itself`,
    );
  }
}

/** Only what cannot hold a password is said again. */
function suggestion(text: string): string {
  return /^[\w.-]+:\d+(\/[\w./-]*)?$/.test(text)
    ? `http://${text}`
    : 'http://host:port or https://host/prefix';
}
