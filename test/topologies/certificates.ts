import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The files of a CA of our own, of a server on loopback and of a client. */
export interface CertificateFiles {
  readonly path: (name: 'ca.crt' | 'server.crt' | 'server.key' | 'client.crt' | 'client.key') => string;
  clean(): void;
}

/** Makes them with openssl. The name in the certificate of the server is `redis.test`, and none of its addresses. */
export function makeCertificates(): CertificateFiles {
  const directory = mkdtempSync(join(tmpdir(), 'ap-certificates-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=CA of a test');
  writeFileSync(join(directory, 'names'), 'subjectAltName=DNS:redis.test\n');
  for (const name of ['server', 'client']) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed);
  }
  return {
    path: (name) => join(directory, name),
    clean: () => rmSync(directory, { recursive: true, force: true }),
  };
}
