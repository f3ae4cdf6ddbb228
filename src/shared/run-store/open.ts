import { Cluster } from 'ioredis';
import { batchedByTurn } from '../by-turn.js';
import { RedisRefusedError } from '../errors.js';
import type { RedisClient } from '../redis/connect.js';
import { inOrder } from '../redis/in-order.js';
import type { Notifications } from '../redis/notifications.js';
import type { Settling } from '../redis/settled.js';
import type { LaunchFacts } from '../run.js';
import * as changes from './changes.js';
import { idForToken, openCreating, openNextTime, poolId } from './create.js';
import { heldBy, runningOf } from './held-runs.js';
import { letGoOverCap } from './kept-output.js';
import { listRuns, summarizeRuns } from './list.js';
import type { ChangeWithRecord, Ownership, Retention } from './ownership.js';
import { openParts, type StoreParts } from './parts.js';
import { putIndexesRight, reindex } from './put-right.js';
import { readEntries, readOutput } from './read-output.js';
import { readRun } from './record.js';
import { readPromptLines, readRequest } from './request.js';
import type { RunStore } from './run-store.js';
import { openSessions } from './sessions.js';
import { statisticsOf } from './statistics.js';
import { readTail } from './tail.js';
import { waitForRun } from './wait.js';

const forgotten = () =>
  new RedisRefusedError(
    'a failover of Redis has forgotten this run just now',
    'It was not accepted. Ask again (with the same clientToken, where there was one).',
  );

/** See `RunStore.settled`. The records of all that ask in one turn are looked for at once. */
function openSettledRun({ redis, keysOf }: StoreParts, settling: Settling): (id: string) => Promise<void> {
  const isThere = batchedByTurn<string, boolean>(async (ids) => {
    const keys = ids.map((id) => keysOf(id).run);
    if (!(redis instanceof Cluster) && (await redis.exists(...keys)) === keys.length)
      return keys.map(() => ({ status: 'fulfilled', value: true }));
    const [replies = []] = await inOrder(
      redis,
      keys.map((key) => ['exists', key]),
    );
    return replies.map((reply) =>
      reply.status === 'rejected' ? reply : { status: 'fulfilled', value: reply.value === 1 },
    );
  });
  return async (id) => {
    await settling.settled();
    if (!(await isThere(id))) throw forgotten();
  };
}

/** See `RunStore.launching`. */
async function launchingSettled(
  parts: StoreParts,
  settling: Settling,
  of: Ownership,
  attempt: number,
  facts: LaunchFacts,
): Promise<ChangeWithRecord> {
  const change = await changes.launching(parts, of, attempt, facts);
  await settling.settled();
  if (change.state === undefined) throw forgotten();
  return change;
}

/** Opens the gateway to runs on one connection. */
export function openRunStore(
  client: RedisClient,
  notifications: Notifications,
  prefix: string,
  retention: Retention,
  settling: Settling,
): RunStore {
  const parts = openParts(client, notifications, prefix, retention);
  const { redis, keysOf, indexes, sessionLocks, now } = parts;
  const nextTime = openNextTime(parts);
  const create = openCreating(parts, nextTime);
  const get = (id: string) => readRun(redis, keysOf(id).run);
  const listen = (id: string, onNotification: (message: string) => void) =>
    notifications.listen(keysOf(id).channel, onNotification);

  return {
    now,
    poolId: () => poolId(parts),

    nextTime,
    create: (id, queue, request, along) => create({ id, queue, request, ...along }),
    idForToken: (principal, token, id) => idForToken(parts, principal, token, id),
    settled: openSettledRun(parts, settling),
    interruptions: settling.interruptions,
    keep: settling.keep,

    get,
    request: (id) => readRequest(parts, id),
    promptLines: (ids) => readPromptLines(parts, ids),
    result: async (id) => (await redis.get(keysOf(id).result)) ?? undefined,
    list: (filter, limit, after) => listRuns(parts, filter, limit, after),
    summaries: (filter, limit, since = 0) => summarizeRuns(parts, filter, limit, since),
    statistics: (filter, since = 0) => statisticsOf(parts, filter, since),
    latest: async (agentName, others = {}) => (await listRuns(parts, { ...others, agentName }, 1, undefined))[0],

    heldBy: (principal) => heldBy(parts, principal),
    runningOf: (principal) => runningOf(parts, principal),

    output: (id, query) => readOutput(redis, keysOf(id), query),
    tail: (id, bytes, stream, lines) => readTail(redis, keysOf(id).events, bytes, stream, lines),
    firstKeptAt: async (id) => {
      const [first] = await readEntries(redis, keysOf(id).events, '-', 1);
      return first && Number(first.id.slice(0, first.id.indexOf('-')));
    },

    onNotification: listen,
    wait: (id, until, options) =>
      waitForRun({ get, listen: (onNotification) => listen(id, onNotification) }, id, until, options),

    claim: (id, worker, host) => changes.claim(parts, id, worker, host),
    tellWaiting: (id, reason) => changes.tellWaiting(parts, id, reason),
    takeOver: (from, worker, host) => changes.takeOver(parts, from, worker, host),
    launching: (of, attempt, facts) => launchingSettled(parts, settling, of, attempt, facts),
    notLaunched: (of) => changes.notLaunched(parts, of),
    started: (of, pid, path, isFirst = true) => changes.started(parts, of, pid, path, isFirst),
    triesAgain: (of, credentials, because) => changes.triesAgain(parts, of, credentials, because),
    limited: (of, limit) => changes.limited(parts, of, limit),
    sessionKnown: (of, sessionId) => changes.sessionKnown(parts, of, sessionId),
    orphan: (of) => changes.orphan(parts, of),
    comeBack: (of) => changes.comeBack(parts, of),
    requeue: (of, host, mostErrors) => changes.requeue(parts, of, host, mostErrors),
    keepResult: (of, text) => changes.keepResult(parts, of, text),
    append: (of, chunks) => changes.append(parts, of, chunks),
    requestKill: (id, request) => changes.requestKill(parts, id, request),
    end: (id, epoch, ending, shipped) => changes.end(parts, id, epoch, ending, shipped),

    lockSession: sessionLocks.lock,
    sessionHolder: sessionLocks.holder,
    holdSession: sessionLocks.hold,
    releaseSessions: sessionLocks.release,
    onSessionFree: sessionLocks.onFree,

    letGoOverCap: (mostBytes) => letGoOverCap(parts, mostBytes),

    reindex: (id) => reindex(parts, id),
    putIndexesRight: () => putIndexesRight(parts),
    indexes,
    sessions: openSessions(redis, prefix, retention.sessionRetentionMs),
  };
}
