import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { PrometheusOptions } from './options.ts';
import { readOwnFile, unfitFile } from './ownfile.ts';

/** As an agent takes them: texts in PEM. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/gs;

export async function readTls(options: PrometheusOptions, signal: AbortSignal): Promise<TlsFiles> {
  const { caFile, certFile, keyFile } = options;
  return {
    ...(caFile === undefined ? {} : { ca: await readOwnFile('CA', caFile, signal) }),
    ...(certFile === undefined ? {} : { cert: await readOwnFile('certificate', certFile, signal) }),
    ...(keyFile === undefined ? {} : { key: await readOwnFile('key', keyFile, signal) }),
  };
}

/**
 * Throws a PrometheusError that names the file that cannot be used: TLS itself would trust nobody where it finds no
 * authority, and say of the others only what went wrong within it.
 */
export function checkTls({ caFile, certFile, keyFile }: PrometheusOptions, tls: TlsFiles): void {
  if (caFile !== undefined) {
    certificateIn(tls.ca, { what: 'CA', file: caFile, flag: '--prometheus-ca-file' });
  }
  if (certFile === undefined || keyFile === undefined) return;
  const certificate = certificateIn(tls.cert, {
    what: 'certificate',
    file: certFile,
    flag: '--prometheus-cert-file',
  });
  if (isKeyOf(certificate, tls.key, keyFile)) return;
  const problem = `it is not the key of the certificate in ${certFile}`;
  throw unfitFile({ what: 'key', file: keyFile }, problem, {
    todo: 'name the two that belong together with --prometheus-cert-file and --prometheus-key-file',
    // While both are renewed the one may be read before, and the other after.
    retry: { afterSeconds: undefined },
  });
}

interface CertificateFile {
  readonly what: string;
  readonly file: string;
  readonly flag: string;
}

/** The first one, by which a server or a client is known. */
function certificateIn(text = '', { what, file, flag }: CertificateFile): X509Certificate {
  const todo = `name a file with "-----BEGIN CERTIFICATE-----" in it with ${flag}`;
  try {
    // Of a bundle others may be damaged, as long as those that count are there.
    const [first] = text.match(CERTIFICATE) ?? [];
    if (first !== undefined) return new X509Certificate(first);
  } catch {
    throw unfitFile({ what, file }, 'it holds a certificate that is damaged', { todo });
  }
  throw unfitFile({ what, file }, 'it holds no certificate in PEM', { todo });
}

function isKeyOf(certificate: X509Certificate, text: string | undefined, file: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(text ?? ''));
  } catch {
    const problem = 'it holds no private key in PEM that is read without a passphrase';
    const todo =
      'name a file with "-----BEGIN PRIVATE KEY-----" in it with --prometheus-key-file; keys that need a passphrase cannot be used';
    throw unfitFile({ what: 'key', file }, problem, { todo });
  }
}
