import { randomBytes } from 'node:crypto';
import { LOCAL } from '../principal.js';
import type { RedisClient } from '../redis/connect.js';
import type { Notifications } from '../redis/notifications.js';
import { serverNow } from '../redis/now.js';
import type { Run, RunOrder } from '../run.js';
import { openChanges } from './changes.js';
import { type Indexes, type ListPosition, openIndexes, type RunFilter } from './indexes.js';
import { runKeys } from './keys.js';
import type { Retention } from './ownership.js';
import { type OutputPage, type OutputQuery, readEntries, readOutput } from './read-output.js';
import { fieldsOfOrder } from './record.js';
import { withScripts } from './scripts.js';
import { openSessions, type Sessions } from './sessions.js';
import { settled } from './settled.js';
import { readTail } from './tail.js';
import { type WaitOptions, waitForRun } from './wait.js';

/** Ids whose record is missing are forgotten only when older than this: an index entry is written before its record. */
const FORGET_AFTER_MS = 60_000;

/** The only gateway to runs in Redis. Every method may throw when Redis is unreachable. */
export function openRunStore(
  client: RedisClient,
  notifications: Notifications,
  prefix: string,
  retention: Retention,
  promote: (runId: string, queue: string) => Promise<void>,
) {
  const redis = withScripts(client);
  const indexes: Indexes = openIndexes(redis, prefix);
  const sessions: Sessions = openSessions(redis, prefix, retention.sessionRetentionMs);
  const keysOf = (id: string) => runKeys(prefix, id);

  const changes = openChanges(redis, prefix, indexes, retention, promote);
  const { get } = changes;

  return {
    ...changes,
    now: () => serverNow(redis),
    indexes,
    sessions,

    /** Who these runs belong to: a name that was made with the first run store of this Redis and prefix, and stays. */
    async poolId(): Promise<string> {
      const key = `${prefix}:pool-id`;
      await redis.set(key, randomBytes(6).toString('hex'), 'NX');
      return (await redis.get(key)) ?? 'unknown';
    },

    /** Writes a queued run; false when there is one with this id already. */
    async create(id: string, queue: string, order: RunOrder): Promise<boolean> {
      const { run, events, request, channel } = keysOf(id);
      const queuedAt = await serverNow(redis);
      const { agentName, runner, principal = LOCAL.name } = order;
      await indexes.add({ id, principal, agentName, runner, queuedAt });
      const fields = [...fieldsOfOrder(id, queue, order), 'queuedAt', queuedAt];
      return (await redis.apCreate(run, events, request, channel, JSON.stringify(order), ...fields)) === 1;
    },

    /** Resolves once a crash of Redis does not undo any more what was written about a run. */
    async settled(id: string): Promise<void> {
      await settled(redis, keysOf(id).run);
    },

    /** What was asked for; undefined once the run's output was let go. */
    async order(id: string): Promise<RunOrder | undefined> {
      const text = await redis.get(keysOf(id).request);
      return text === null ? undefined : (JSON.parse(text) as RunOrder);
    },

    /** The run id that a principal's client token stands for: the given one, or the one that an earlier call chose. */
    async idForToken(principal: string, token: string, id: string): Promise<string> {
      const key = `${prefix}:client-token:${encodeURIComponent(principal)}:${token}`;
      const set = await redis.set(key, id, 'PX', retention.recordRetentionMs, 'NX');
      return set === 'OK' ? id : ((await redis.get(key)) ?? id);
    },

    async result(id: string): Promise<string | undefined> {
      return (await redis.get(keysOf(id).result)) ?? undefined;
    },

    async output(id: string, query: OutputQuery): Promise<OutputPage> {
      return readOutput(redis, keysOf(id).events, query);
    },

    /** The last bytes of output, cut at the beginning of a character and, where it can, of a line. */
    async tail(id: string, bytes: number, stream: OutputQuery['stream']): Promise<OutputPage> {
      return readTail(redis, keysOf(id).events, bytes, stream);
    },

    /** The Redis time (ms) of the first output that is still kept; undefined when nothing is kept. */
    async firstKeptAt(id: string): Promise<number | undefined> {
      const [first] = await readEntries(redis, keysOf(id).events, '-', 1);
      return first && Number(first.id.slice(0, first.id.indexOf('-')));
    },

    /** Calls back at each change and each new output of a run, and after a reconnect; the message says what it was. */
    async onNotification(id: string, onNotification: (message: string) => void): Promise<() => void> {
      return notifications.listen(keysOf(id).channel, onNotification);
    },

    /** Waits for a fact about a run, without polling; see `waitForRun`. */
    async wait(id: string, until: (run: Run) => boolean, options: WaitOptions): Promise<Run | undefined> {
      return waitForRun(
        { get, listen: (onNotification) => notifications.listen(keysOf(id).channel, onNotification) },
        id,
        until,
        options,
      );
    },

    /** Runs that match, newest first. */
    async list(filter: RunFilter, limit: number, after?: ListPosition): Promise<Run[]> {
      const found: Run[] = [];
      let position = after;
      const stale = (await serverNow(redis)) - FORGET_AFTER_MS;
      while (found.length < limit) {
        const page = await indexes.page(filter, position, Math.max(20, limit));
        const runs = await Promise.all(page.map(({ id }) => get(id)));
        for (const [at, run] of runs.entries()) {
          const entry = page[at];
          if (!run && entry && entry.queuedAt < stale) await indexes.forget(entry.id, filter);
          if (run && matches(run, filter) && found.length < limit) found.push(run);
        }
        position = page.at(-1);
        if (page.length < Math.max(20, limit)) break;
      }
      return found;
    },

    /** The latest run of an agent name, with a runner or of a principal if given. */
    async latest(agentName: string, others: Pick<RunFilter, 'runner' | 'principal'> = {}): Promise<Run | undefined> {
      const [run] = await this.list({ agentName, ...others }, 1);
      return run;
    },
  };
}
export type RunStore = ReturnType<typeof openRunStore>;

function matches(run: Run, { agentName, runner, principal, state, host }: RunFilter): boolean {
  return (
    (principal === undefined || run.principal === principal) &&
    (agentName === undefined || run.agentName === agentName) &&
    (runner === undefined || run.runner === runner) &&
    (state === undefined || run.state === state) &&
    (host === undefined || run.host === host)
  );
}
