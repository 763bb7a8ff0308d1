/** What went wrong, as a sentence about Prometheus goes on, and what to do. */
interface TlsFailure {
  readonly what: string;
  readonly todo: string;
}

const CLIENT_FLAGS = '--prometheus-cert-file and --prometheus-key-file';

/** By what the code or, where that only says that TLS failed, the text of OpenSSL has in it. */
const FAILURES: readonly (TlsFailure & { readonly pattern: RegExp })[] = [
  {
    pattern: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    what: 'its certificate, or that of its authority, is not valid now',
    todo: 'renew the certificate of the server, or that in --prometheus-ca-file; look at the clock here',
  },
  {
    pattern: /ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    what: 'its certificate is for other names than the one that it was called by',
    todo: 'write a name of its certificate into --prometheus-url, or have one issued for this name',
  },
  {
    pattern:
      /SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER|DECODE_ISSUER)|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|INVALID_PURPOSE|CERT_SIGNATURE_FAILURE|CERT_CHAIN_TOO_LONG|PATH_LENGTH/,
    what: 'its certificate is of no authority that is trusted here',
    todo: 'name the authority that signed it with --prometheus-ca-file; of one between that the server does not send, that one too',
  },
  {
    pattern:
      /ALERT.(CERTIFICATE.(REQUIRED|EXPIRED|REVOKED|UNKNOWN)|(BAD|UNSUPPORTED).CERTIFICATE|UNKNOWN.CA|HANDSHAKE.FAILURE|ACCESS.DENIED)/,
    what: 'it wants a client certificate that it knows',
    todo: `name one that it accepts, and its key, with ${CLIENT_FLAGS}`,
  },
  {
    pattern: /WRONG.VERSION.NUMBER|PACKET.LENGTH.TOO.LONG|SSL_HTTP_REQUEST/,
    what: 'what answers there does not speak TLS',
    todo: 'if it speaks plain HTTP, write http:// in --prometheus-url; look at --prometheus-proxy too, if there is one',
  },
];

/** Undefined where neither the code nor the text is one of a TLS failure that can be mended by what is known here. */
export function tlsFailureOf(code: string, text: string): TlsFailure | undefined {
  // OpenSSL puts blanks where codes have underscores.
  const said = code === 'EPROTO' ? text.toUpperCase() : code;
  return FAILURES.find(({ pattern }) => pattern.test(said));
}

/** A TLS port of Go, nginx or Apache says so to who comes without TLS. */
export function wantsTls(body: string): boolean {
  return /HTTP request (was sent )?to (an )?HTTPS (server|port)|plain HTTP to an SSL-enabled/i.test(
    body,
  );
}

export const WRITE_HTTPS = 'if it speaks TLS, write https:// in --prometheus-url';
