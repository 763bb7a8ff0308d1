import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A key and a certificate, as files and as texts. */
export interface Identity {
  readonly keyFile: string;
  readonly certFile: string;
  readonly key: string;
  readonly cert: string;
}

export interface Authority {
  readonly caFile: string;
  readonly ca: string;
  /** For 127.0.0.1, and for clients. */
  issue(name: string): Promise<Identity>;
}

/** A certificate authority of its own, by openssl, in the folder. */
export async function createAuthority(folder: string, name = 'test'): Promise<Authority> {
  const caKey = join(folder, `${name}-ca.key`);
  const caFile = join(folder, `${name}-ca.crt`);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  await run('openssl', ['req', '-x509', ...newKey, '-keyout', caKey, '-out', caFile, ...subject]);
  const extensions = join(folder, `${name}-extensions`);
  await writeFile(extensions, 'subjectAltName=IP:127.0.0.1\n');
  return {
    caFile,
    ca: await readFile(caFile, 'utf8'),
    async issue(who) {
      const keyFile = join(folder, `${name}-${who}.key`);
      const certFile = join(folder, `${name}-${who}.crt`);
      const request = `${certFile}.csr`;
      const asked = ['-keyout', keyFile, '-out', request, '-subj', `/CN=${who}`];
      await run('openssl', ['req', '-new', ...newKey, ...asked]);
      const signer = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-days', '2'];
      const files = ['-in', request, '-out', certFile, '-extfile', extensions];
      await run('openssl', ['x509', '-req', ...signer, ...files]);
      const [key, cert] = await Promise.all(
        [keyFile, certFile].map((file) => readFile(file, 'utf8')),
      );
      return { keyFile, certFile, key: key ?? '', cert: cert ?? '' };
    },
  };
}
