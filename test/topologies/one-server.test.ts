import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makePlace } from '../support/pool.js';
import { agentpool } from '../support/processes.js';
import { makeCertificates } from './certificates.js';
import { cleanUp, measured, PROGRAMS, poolOn, secretFile } from './measure.js';
import { startServer } from './servers.js';

test.each(PROGRAMS)('%s: standalone', async (program) => {
  const server = await startServer(program, []);
  cleanUp.push(server.stop);
  await measured(`${program}, standalone`, await poolOn({ REDIS_URL: `redis://127.0.0.1:${server.port}` }));
});

/** The rules that the documentation gives to an operator, word by word. */
const page = readFileSync(new URL('../../docs/many-hosts.md', import.meta.url), 'utf8');
const acl = /^user default off\nuser agentpool .+$/m.exec(page)?.[0] ?? '';

test.each(PROGRAMS)('%s: the user of the documentation, its password in a file', async (program) => {
  const who = { username: 'agentpool', password: 'PASSWORD' };
  const server = await startServer(program, acl.split('\n'), who);
  cleanUp.push(server.stop);
  const REDIS_PASSWORD_FILE = secretFile(server.directory, 'password', who.password);
  const REDIS_URL = `redis://agentpool@127.0.0.1:${server.port}`;
  await measured(`${program}, ACL user`, await poolOn({ REDIS_URL, REDIS_PASSWORD_FILE }));
});

test.each(PROGRAMS)('%s: TLS with a CA of its own and client certificates', async (program) => {
  const { servers, settings, clean } = makeCertificates();
  cleanUp.push(clean);
  const server = await startServer(program, servers.lines, { tls: servers.client });
  cleanUp.push(server.stop);
  const REDIS_URL = `rediss://127.0.0.1:${server.port}`;
  const { REDIS_TLS_CA_FILE, REDIS_TLS_SERVER_NAME, ...own } = settings;
  const ca = { REDIS_TLS_CA_FILE: REDIS_TLS_CA_FILE ?? '' };
  const name = { REDIS_TLS_SERVER_NAME: REDIS_TLS_SERVER_NAME ?? '' };
  const refused = [
    [{ ...name, ...own }, 'REDIS_TLS_CA_FILE'],
    [{ ...ca, ...own }, 'REDIS_TLS_SERVER_NAME'],
    [{ ...ca, ...name }, 'REDIS_TLS_CERT_FILE'],
  ] as const;
  for (const [given, missing] of refused) {
    const place = makePlace(given, REDIS_URL);
    cleanUp.push(place.clean);
    const { code, stderr } = await agentpool(place, ['runs']);
    // A server that wants a certificate may just close the connection, which proves nothing.
    expect(missing === 'REDIS_TLS_CERT_FILE' ? [69, 78] : [78]).toContain(code);
    expect(stderr).toContain(missing);
  }
  await measured(`${program}, TLS with client certificates`, await poolOn({ REDIS_URL, ...settings }));
});
