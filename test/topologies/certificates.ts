import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeDirectory } from '../support/remove-directory.js';
import type { TlsOfServers } from './servers.js';

/** The files of a CA of our own, of a server on loopback and of a client. */
export interface CertificateFiles {
  readonly path: (name: 'ca.crt' | 'server.crt' | 'server.key' | 'client.crt' | 'client.key') => string;
  /** For servers that want a certificate from everybody, and for a test that asks them. */
  readonly servers: TlsOfServers;
  /** The settings of a pool that has its certificate from that CA. */
  readonly settings: Readonly<Record<string, string>>;
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
  const path: CertificateFiles['path'] = (name) => join(directory, name);
  const read = (name: Parameters<typeof path>[0]) => readFileSync(path(name), 'utf8');
  return {
    path,
    servers: {
      lines: [
        `tls-ca-cert-file ${path('ca.crt')}`,
        `tls-cert-file ${path('server.crt')}`,
        `tls-key-file ${path('server.key')}`,
        'tls-auth-clients yes',
      ],
      cli: ['--cacert', path('ca.crt'), '--cert', path('client.crt'), '--key', path('client.key')],
      client: { ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key'), servername: 'redis.test' },
    },
    settings: {
      REDIS_TLS_CA_FILE: path('ca.crt'),
      REDIS_TLS_SERVER_NAME: 'redis.test',
      REDIS_TLS_CERT_FILE: path('client.crt'),
      REDIS_TLS_KEY_FILE: path('client.key'),
    },
    clean: () => removeDirectory(directory),
  };
}
