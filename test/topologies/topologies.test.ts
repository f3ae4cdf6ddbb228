import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { findProgram } from '../../src/shared/find-program.js';
import { makePlace } from '../support/pool.js';
import { agentpool, eventually } from '../support/processes.js';
import { type Battery, type Cost, startBattery } from './battery.js';
import { makeCertificates } from './certificates.js';
import { masterOf, type SentinelPool, startCluster, startSentinels, startServer } from './servers.js';

const PROGRAMS = ['redis-server', 'valkey-server'].filter((program) => {
  if (findProgram(program, process.env)) return true;
  console.log(`left out: there is no ${program} here`);
  return false;
});
const rows: (Cost & { topology: string })[] = [];
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});
afterAll(() => {
  const heads = ['topology', 'runs', 'lost', 'doubled', 'startedTwice', 'unusableMs'] as const;
  const lines = [heads, ...rows.map((row) => heads.map((head) => row[head]))].map(
    (cells) => `| ${cells.join(' | ')} |`,
  );
  console.log([lines[0], '| --- | ---: | ---: | ---: | ---: | ---: |', ...lines.slice(1)].join('\n'));
});

/** Nothing lost, doubled or started twice, and the time without an answer is written down. */
async function costs(topology: string, env: Record<string, string>, what: (battery: Battery) => Promise<void>) {
  const { REDIS_URL: url = '', ...settings } = env;
  const battery = await startBattery(makePlace({ AGENTPOOL_PREFIX: 'agentpool', ...settings }, url));
  cleanUp.push(battery.stop);
  await battery.all();
  await what(battery);
  rows.push({ topology, ...battery.cost });
  expect(battery.cost).toMatchObject({ lost: 0, doubled: 0, startedTwice: 0 });
}
const nothingElse = async () => {};

/** Secrets in files, as Docker and Kubernetes give them. */
function secretFile(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

test.each(PROGRAMS)('%s: standalone', async (program) => {
  const server = await startServer(program, []);
  cleanUp.push(server.stop);
  await costs(`${program}, standalone`, { REDIS_URL: `redis://127.0.0.1:${server.port}` }, nothingElse);
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
  await costs(`${program}, ACL user`, { REDIS_URL, REDIS_PASSWORD_FILE }, nothingElse);
});

test.each(PROGRAMS)('%s: TLS with a CA of its own and client certificates', async (program) => {
  const files = makeCertificates();
  cleanUp.push(files.clean);
  const lines = [
    `tls-ca-cert-file ${files.path('ca.crt')}`,
    `tls-cert-file ${files.path('server.crt')}`,
    `tls-key-file ${files.path('server.key')}`,
    'tls-auth-clients yes',
  ];
  const read = (name: Parameters<typeof files.path>[0]) => readFileSync(files.path(name), 'utf8');
  const tls = { ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key'), servername: 'redis.test' };
  const server = await startServer(program, lines, { tls });
  cleanUp.push(server.stop);
  const REDIS_URL = `rediss://127.0.0.1:${server.port}`;
  const ca = { REDIS_TLS_CA_FILE: files.path('ca.crt') };
  const name = { REDIS_TLS_SERVER_NAME: 'redis.test' };
  const own = { REDIS_TLS_CERT_FILE: files.path('client.crt'), REDIS_TLS_KEY_FILE: files.path('client.key') };
  const refused = [
    [{ ...name, ...own }, 'REDIS_TLS_CA_FILE'],
    [{ ...ca, ...own }, 'REDIS_TLS_SERVER_NAME'],
    [{ ...ca, ...name }, 'REDIS_TLS_CERT_FILE'],
  ] as const;
  for (const [settings, missing] of refused) {
    const place = makePlace(settings, REDIS_URL);
    cleanUp.push(place.clean);
    const { code, stderr } = await agentpool(place, ['runs']);
    // A server that wants a certificate may just close the connection, which proves nothing.
    expect(missing === 'REDIS_TLS_CERT_FILE' ? [69, 78] : [78]).toContain(code);
    expect(stderr).toContain(missing);
  }
  await costs(`${program}, TLS with client certificates`, { REDIS_URL, ...ca, ...name, ...own }, nothingElse);
});

test.each(PROGRAMS)('%s: Sentinels with a password, and a planned failover', async (program) => {
  await sentinelCost(program, 'planned failover', async ({ ask }) => {
    await ask.call('SENTINEL', 'FAILOVER', 'main');
  });
});

test.each(PROGRAMS)('%s: Sentinels with a password, and a master that is killed', async (program) => {
  await sentinelCost(program, 'killed master', async ({ servers }) => servers[0]?.signal('SIGKILL'));
});

test.each(PROGRAMS)('%s: Sentinels with a password, and a master that falls silent', async (program) => {
  await sentinelCost(program, 'silent master', async ({ servers }) => servers[0]?.signal('SIGSTOP'));
});

/** What it costs when the Sentinels make the replica the master, for whatever reason. */
async function sentinelCost(program: string, fault: string, begin: (pool: SentinelPool) => Promise<void>) {
  const pool = await startSentinels(program, 'of-redis', 'of-sentinels');
  cleanUp.push(pool.stop);
  const { directory, port } = pool.servers[0];
  const env = {
    REDIS_URL: `redis+sentinel://${pool.sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(',')}/main`,
    REDIS_PASSWORD_FILE: secretFile(directory, 'password', 'of-redis'),
    REDIS_SENTINEL_PASSWORD_FILE: secretFile(directory, 'sentinel-password', 'of-sentinels'),
  };
  await costs(`${program}, Sentinel, ${fault}`, env, (battery) =>
    battery.during(async () => {
      await begin(pool);
      await eventually(
        () => masterOf(pool.ask),
        (master) => master !== port,
        30_000,
      );
    }),
  );
}

test.each(PROGRAMS)('%s: a Cluster with a password, and a master of it that is killed', async (program) => {
  const servers = await startCluster(program, 'of-redis');
  for (const server of servers) cleanUp.push(server.stop);
  const [killed, other] = servers;
  if (!killed || !other) throw new Error('a cluster has six servers');
  const env = {
    REDIS_URL: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    REDIS_PASSWORD_FILE: secretFile(other.directory, 'password', 'of-redis'),
  };
  await costs(`${program}, Cluster, killed master`, env, (battery) =>
    battery.during(async () => {
      const ask = other.client();
      killed.signal('SIGKILL');
      await eventually(
        async () => `${await ask.call('CLUSTER', 'NODES')}`,
        (nodes) => new RegExp(`:${killed.port}@\\S+ \\S*\\bfail[, ]`).test(nodes),
      );
      await eventually(
        async () => `${await ask.call('CLUSTER', 'INFO')}`,
        (info) => info.includes('cluster_state:ok'),
      );
      ask.disconnect();
    }),
  );
});
