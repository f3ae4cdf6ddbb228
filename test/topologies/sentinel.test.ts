import { expect, test } from 'vitest';
import { makeCertificates } from './certificates.js';
import { cleanUp, measured, PROGRAMS, poolOn, secretFile } from './measure.js';
import { type SentinelPool, startSentinels, type TlsOfServers } from './servers.js';

const PLANNED = 5;
const ACCEPTED_WHILE_PLANNED = 500;
const KILLS = 3;
const ACCEPTED_WHILE_KILLED = 200;

async function sentinels(program: string, tls?: TlsOfServers): Promise<SentinelPool> {
  const pool = await startSentinels(program, {
    password: 'of-redis',
    ofSentinels: 'of-sentinels',
    ...(tls && { tls }),
  });
  cleanUp.push(pool.stop);
  return pool;
}

const settingsFor = ({ sentinels, members }: SentinelPool, scheme: string) => ({
  REDIS_URL: `${scheme}://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main`,
  REDIS_PASSWORD_FILE: secretFile(members[0].server.directory, 'password', 'of-redis'),
  REDIS_SENTINEL_PASSWORD_FILE: secretFile(members[0].server.directory, 'sentinel-password', 'of-sentinels'),
});

/** Has the Sentinels make the replica the master, and waits until the old master is its replica. */
async function failOver(servers: SentinelPool, switched: () => void): Promise<void> {
  const { master } = await servers.roles();
  await servers.failOver();
  await servers.switchedFrom(master);
  switched();
  await servers.whole();
}

test.each(PROGRAMS)('%s: Sentinels with passwords, and masters that change, die and fall silent', async (program) => {
  const servers = await sentinels(program);
  const pool = await poolOn(settingsFor(servers, 'redis+sentinel'));

  await measured(`${program}, Sentinel, ${PLANNED} planned failovers`, pool, async ({ during, cost }) => {
    await during(async (switched) => {
      for (let number = 0; number < PLANNED; number += 1) await failOver(servers, switched);
    }, ACCEPTED_WHILE_PLANNED);
    expect(cost.runs).toBeGreaterThanOrEqual(ACCEPTED_WHILE_PLANNED);
  });

  await measured(`${program}, Sentinel, ${KILLS} masters killed`, pool, async ({ during, cost }) => {
    await during(async (switched) => {
      for (let number = 0; number < KILLS; number += 1) {
        const { master } = await servers.roles();
        await master.server.kill();
        await servers.switchedFrom(master);
        switched();
        await master.server.restart();
        await servers.whole();
      }
    }, ACCEPTED_WHILE_KILLED);
    expect(cost.runs).toBeGreaterThanOrEqual(ACCEPTED_WHILE_KILLED);
  });

  await measured(`${program}, Sentinel, silent master`, pool, ({ during }) =>
    during(async (switched) => {
      const { master } = await servers.roles();
      master.proxy.silenceHost();
      await servers.switchedFrom(master);
      switched();
    }),
  );
});

test.each(PROGRAMS)('%s: Sentinels with passwords and TLS, and a planned failover', async (program) => {
  const { servers: tls, settings, clean } = makeCertificates();
  cleanUp.push(clean);
  const servers = await sentinels(program, tls);
  const pool = await poolOn({ ...settingsFor(servers, 'rediss+sentinel'), ...settings });
  await measured(`${program}, Sentinel with TLS, planned failover`, pool, ({ during }) =>
    during(async (switched) => {
      const { master } = await servers.roles();
      await servers.failOver();
      await servers.switchedFrom(master);
      switched();
    }),
  );
});
