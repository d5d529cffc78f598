import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts, and the files they are in. */
export type Certificate = { cert: string; key: string; certPath: string; keyPath: string };

/** A certificate authority of one's own, made with the openssl program. */
export type Authority = {
  caPath: string;
  ca: string;
  /** @param names as in subjectAltName: `IP:127.0.0.1,DNS:example.com` */
  issue(names: string, options?: { expired?: boolean }): Certificate;
  close(): void;
};

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-ca-'));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => {
    try {
      execFileSync('openssl', args, { stdio: 'pipe' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Error('The tests of TLS need the program openssl (Debian and Ubuntu: apt-get install openssl).');
    }
  };
  const subject = ['-subj', '/CN=Graphium test authority'];
  openssl('req', '-x509', ...NEW_KEY, '-days', '2', ...subject, '-keyout', path('ca.key'), '-out', path('ca.pem'));
  let count = 0;
  return {
    caPath: path('ca.pem'),
    ca: readFileSync(path('ca.pem'), 'utf8'),
    issue(names, { expired = false } = {}) {
      const [certPath, keyPath, request] = [path(`${++count}.pem`), path(`${count}.key`), path(`${count}.csr`)];
      const extension = ['-addext', `subjectAltName=${names}`];
      openssl('req', ...NEW_KEY, '-subj', '/CN=graphium', ...extension, '-keyout', keyPath, '-out', request);
      const by = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-copy_extensions', 'copy'];
      const sign = (...validity: string[]) =>
        openssl('x509', '-req', '-in', request, ...by, ...validity, '-out', certPath);
      if (!expired) sign('-days', '2');
      else {
        // Older versions do not know dates, newer ones do not know negative days.
        try {
          sign('-not_before', '20200101000000Z', '-not_after', '20200102000000Z');
        } catch {
          sign('-days', '-1');
        }
      }
      return { certPath, keyPath, cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8') };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
