import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { newRunId, submitAll } from '../../src/client/submit.js';
import { LOCAL } from '../../src/shared/principal.js';
import { connect, makePlace, steps } from '../support/pool.js';
import { eventually, startWorkerProcess } from '../support/processes.js';
import { makeCertificates } from './certificates.js';
import { cleanUp, measured, PROGRAMS, poolOn, secretFile } from './measure.js';
import {
  type ClusterMaster,
  clusterMasters,
  moveSlots,
  type Server,
  startCluster,
  type TlsOfServers,
} from './servers.js';

const PASSWORD = 'of-redis';

async function cluster(program: string, tls?: TlsOfServers): Promise<readonly Server[]> {
  const servers = await startCluster(program, PASSWORD, tls);
  for (const server of servers) cleanUp.push(server.stop);
  return servers;
}

const settingsFor = (servers: readonly Server[], scheme: string) => ({
  REDIS_URL: `${scheme}://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
  REDIS_PASSWORD_FILE: secretFile(servers[0]?.directory ?? '', 'password', PASSWORD),
});

/** Resolves when the others have given the slots of a master to its replica. */
async function replaced(ask: Redis, { port }: Server): Promise<void> {
  await eventually(
    async () => `${await ask.call('CLUSTER', 'NODES')}`,
    (nodes) => new RegExp(`:${port}@\\S+ \\S*\\bfail[, ]`).test(nodes),
  );
  await eventually(
    async () => `${await ask.call('CLUSTER', 'INFO')}`,
    (info) => info.includes('cluster_state:ok'),
  );
}

/** The server with most keys: its silence is noticed by everybody. */
async function fullest(masters: readonly ClusterMaster[]): Promise<Server> {
  const sizes = await Promise.all(
    masters.map(async ({ server }) => {
      const redis = server.client();
      const keys = await redis.dbsize();
      redis.disconnect();
      return { server, keys };
    }),
  );
  const [first] = sizes.sort((a, b) => b.keys - a.keys);
  if (!first || first.keys === 0) throw new Error('no other master has keys');
  return first.server;
}

test.each(PROGRAMS)('%s: a Cluster whose slots move, and whose masters die and fall silent', async (program) => {
  const servers = await cluster(program);
  const pool = await poolOn(settingsFor(servers, 'redis+cluster'));
  const ask = servers.at(-1)?.client() as Redis; // a replica, and the last one to become a master here
  cleanUp.push(() => ask.disconnect());
  const ownerOf = async (key: string) => {
    const slot = Number(await ask.call('CLUSTER', 'KEYSLOT', key));
    const masters = await clusterMasters(servers, ask);
    const owner = masters.find(({ has }) => has(slot));
    if (!owner) throw new Error(`nobody has the slot of ${key}`);
    return { owner, others: masters.filter((master) => master !== owner) };
  };
  /** All that the queue has is there, so that it is hit. */
  const QUEUE = '{agentpool:runs.numbering}:meta';

  await measured(`${program}, Cluster, slots move`, pool, ({ during }) =>
    during(async (switched) => {
      const { owner, others } = await ownerOf(QUEUE);
      const [other] = others;
      if (!other) throw new Error('there is one master alone');
      expect(await moveSlots(owner, other, PASSWORD)).toBeGreaterThan(5);
      switched();
    }),
  );

  await measured(`${program}, Cluster, killed master`, pool, ({ during }) =>
    during(async (switched) => {
      const { owner } = await ownerOf(QUEUE);
      await owner.server.kill();
      await replaced(ask, owner.server);
      switched();
    }),
  );

  await measured(`${program}, Cluster, silent master`, pool, ({ during }) =>
    during(async (switched) => {
      const silent = await fullest((await ownerOf(QUEUE)).others);
      silent.signal('SIGSTOP');
      await replaced(ask, silent);
      switched();
    }),
  );
});

/** A cluster and a connection to its pool of ours. `has` tells whether a master has what is kept under a hash tag. */
async function clusterWith(program: string, queue: string) {
  const servers = await cluster(program);
  const { REDIS_URL, ...settings } = settingsFor(servers, 'redis+cluster');
  const place = makePlace(settings, REDIS_URL);
  cleanUp.push(place.clean);
  const pool = await connect(place);
  cleanUp.push(pool.stop);
  const ask = servers.at(-1)?.client() as Redis;
  cleanUp.push(() => ask.disconnect());
  const has = async (master: ClusterMaster, tag: string) =>
    master.has(Number(await ask.call('CLUSTER', 'KEYSLOT', `{${tag}}`)));
  const masters = await clusterMasters(servers, ask);
  const tag = `${pool.config.prefix}:${queue}`;
  const ofQueue = await Promise.all(masters.map((master) => has(master, tag)));
  const owner = masters.find((_, at) => ofQueue[at]);
  const other = masters.find((_, at) => !ofQueue[at]);
  if (!owner || !other) throw new Error('one server has everything, or nobody has the queue');
  /** A new id whose record a master has, or has not. */
  const idThere = async (master: ClusterMaster, isThere: boolean) => {
    let id = newRunId();
    while ((await has(master, id)) !== isThere) id = newRunId();
    return id;
  };
  return { place, pool, ask, owner, other, idThere };
}

test.each(PROGRAMS)('%s: a Cluster whose master dies between two steps of a submission', async (program) => {
  const queue = 'runs.scripted';
  const { place, pool, ask, owner, idThere } = await clusterWith(program, queue);
  const worker = await startWorkerProcess(place);
  cleanUp.push(() => worker.end('SIGKILL'));
  const id = await idThere(owner, true); // so its record is away as long as its queue

  /** The master dies when all is checked and nothing is written; the run is written and placed as one with a new id. */
  let isAlive = true;
  const create: typeof pool.runs.create = async (runId, to, request, along) => {
    if (!isAlive) return pool.runs.create(runId, to, request, along);
    const placing = await pool.queues.placing(runId, to, request);
    await owner.server.kill();
    isAlive = false;
    return pool.runs.create(runId, to, request, { ...along, placing });
  };
  const dying = { ...pool, runs: { ...pool.runs, create, idForToken: async () => id } };
  const asked = { runner: 'scripted', prompt: steps({ print: 'once\n' }), clientToken: 'again' };
  const submit = () => submitAll({ pool: dying, principal: LOCAL }, [asked]);
  await expect(submit()).rejects.toThrow('unreachable');
  await replaced(ask, owner.server);
  expect(await pool.queues.bullQueue(queue).getJob(id)).toBeUndefined(); // of a run that has no record
  await eventually(
    () => submit().catch(() => pause(500)),
    (submitted) => submitted !== undefined,
  );
  await eventually(
    () => pool.runs.get(id),
    (run) => run?.state === 'done' && run.outBytes === 5,
    30_000,
  );
});

test.each(PROGRAMS)('%s: a Cluster of which one server takes no record', async (program) => {
  const queue = 'runs.scripted';
  const { pool, other: refusing, idThere } = await clusterWith(program, queue);
  const ids = await Promise.all([true, false, true].map((isThere) => idThere(refusing, isThere)));
  const admin = refusing.server.client();
  await admin.call('ACL', 'SETUSER', 'default', '-hset'); // records, but not indexes
  admin.disconnect();

  const request = { runner: 'scripted', agentName: 'scripted', principal: LOCAL.name, prompt: '[]' };
  const placings = await Promise.all(ids.map((id) => pool.queues.placing(id, queue, request)));
  const queuedAt = await pool.runs.nextTime();
  const created = await Promise.allSettled(
    ids.map((id, at) => pool.runs.create(id, queue, request, { queuedAt, placing: placings[at] })),
  );
  expect(created.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  expect(await Promise.all(ids.map((id) => pool.queues.has(id, queue)))).toEqual([false, true, false]);
});

test.each(PROGRAMS)('%s: a Cluster with TLS', async (program) => {
  const { servers: tls, settings, clean } = makeCertificates();
  cleanUp.push(clean);
  const servers = await cluster(program, tls);
  const pool = await poolOn({ ...settingsFor(servers, 'rediss+cluster'), ...settings });
  await measured(`${program}, Cluster with TLS`, pool);
});
