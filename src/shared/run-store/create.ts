import { randomBytes } from 'node:crypto';
import { Cluster } from 'ioredis';
import { batchedByTurn, sharedByTurn } from '../by-turn.js';
import { omitUndefined } from '../omit-undefined.js';
import { LOCAL } from '../principal.js';
import { type Placing, stepsOf } from '../queues/placing.js';
import { type CommandLine, inOrder } from '../redis/in-order.js';
import { serverNow } from '../redis/now.js';
import type { Run, RunRequest } from '../run.js';
import type { TraceContext } from '../traces/trace-context.js';
import type { StoreParts } from './parts.js';
import { fieldsOfRequest, readRun, runOfRequest } from './record.js';
import { requestText } from './request.js';

/** What goes with a run that is to be written. */
export interface AlongWith {
  readonly trace?: TraceContext | undefined;
  /** Of `RunStore.nextTime`; asked for when it is absent. */
  readonly queuedAt?: number | undefined;
  /** Places the run when its record is there: for an id that nobody has used, or it may be placed twice. */
  readonly placing?: Placing | undefined;
}

/** A run that is to be written. */
interface NewRun extends AlongWith {
  readonly id: string;
  readonly queue: string;
  readonly request: RunRequest;
}

/** See `RunStore.nextTime`. */
export const openNextTime = ({ redis, indexes }: StoreParts): (() => Promise<number>) =>
  sharedByTurn(async () => {
    const [now, latest] = await Promise.all([serverNow(redis), indexes.latestAt()]);
    return Math.max(now, latest + 1); // the order is that of submission, also when the clock has gone back
  });

/** What writes queued runs, those of one turn together: into the indexes first, then their records, then their jobs. */
export function openCreating(
  { redis, keysOf, indexes }: StoreParts,
  nextTime: () => Promise<number>,
): (item: NewRun) => Promise<Run> {
  return batchedByTurn(async (items) => {
    const queuedAt = Math.max(...(await Promise.all(items.map((item) => item.queuedAt ?? nextTime()))));
    const fields = items.map(({ id, queue, request, trace }) => [
      ...fieldsOfRequest(id, queue, request),
      ...Object.entries(trace ?? {}).flat(),
      'queuedAt',
      String(queuedAt),
    ]);
    const records = items.map(({ id, request }, at): CommandLine => {
      const keys = keysOf(id);
      const text = requestText(request);
      return ['createRun', keys.run, keys.events, keys.request, text, ...(fields[at] ?? [])];
    });
    const { commands, added } = indexes.additions(items.map(entryOf), queuedAt);
    const replies = await sent(redis, commands, records, items);
    if (replies.every(({ indexed }) => indexed.every(isDone))) added();
    return Promise.allSettled(
      items.map(async ({ id, queue, request, trace, placing }, at) => {
        const { indexed, written, placed } = replies[at] as Replies;
        for (const reply of [...indexed, written, ...placed]) if (!isDone(reply)) throw reply.reason;
        await placing?.placed();
        const created = isDone(written) && written.value === 1;
        const run = created ? runOfRequest(id, queue, request, queuedAt, trace) : await readRun(redis, keysOf(id).run);
        if (!run) throw new Error(`run ${id} vanished while it was created`);
        return run;
      }),
    );
  });
}

type Reply = PromiseSettledResult<unknown>;

/** What came of the steps of one run. */
interface Replies {
  readonly indexed: readonly Reply[];
  readonly written: Reply;
  readonly placed: readonly Reply[];
}

const isDone = (reply: Reply): reply is PromiseFulfilledResult<unknown> => reply.status === 'fulfilled';
const NO_ANSWER: Reply = { status: 'rejected', reason: new Error('Redis did not answer') };

/**
 * Sends all of it, in one message where there is one server. On a cluster each run is placed whose own record was written:
 * that of another one may belong to a server that is away, and its job to another one.
 */
async function sent(
  redis: StoreParts['redis'],
  indexing: CommandLine[],
  records: CommandLine[],
  items: readonly NewRun[],
): Promise<Replies[]> {
  const isCluster = redis instanceof Cluster;
  const together = isCluster ? [] : stepsOf(items.flatMap(({ placing }) => placing ?? []));
  const [indexed = [], written = [], ...steps] = await inOrder(redis, indexing, records, ...together);
  const placed = new Map<NewRun, readonly Reply[]>();
  const note = (some: readonly NewRun[], [known = [], jobs = [], told = []]: readonly Reply[][]) => {
    for (const [at, item] of some.entries()) placed.set(item, [...known, ...told, jobs[at] ?? NO_ANSWER]);
  };
  const toPlace = items.filter(({ placing }, at) => placing && isDone(written[at] ?? NO_ANSWER));
  if (isCluster)
    await Promise.all(
      [...new Set(toPlace.map(({ queue }) => queue))].map(async (queue) => {
        const some = toPlace.filter((item) => item.queue === queue);
        note(some, await inOrder(redis, ...stepsOf(some.flatMap(({ placing }) => placing ?? []))));
      }),
    );
  else
    note(
      items.filter(({ placing }) => placing),
      steps,
    );
  return items.map((item, at) => ({ indexed, written: written[at] ?? NO_ANSWER, placed: placed.get(item) ?? [] }));
}

const entryOf = ({ id, request }: NewRun) => {
  const { agentName, runner, principal = LOCAL.name, labels } = request;
  return { id, agentName, runner, principal, ...omitUndefined({ labels }) };
};

/** The run id that a principal's client token stands for: the given one, or the one that an earlier call chose. */
export async function idForToken(
  { redis, prefix, retention }: StoreParts,
  principal: string,
  token: string,
  id: string,
): Promise<string> {
  const key = `${prefix}:client-token:${encodeURIComponent(principal)}:${token}`;
  const set = await redis.set(key, id, 'PX', retention.recordRetentionMs, 'NX');
  return set === 'OK' ? id : ((await redis.get(key)) ?? id);
}

/** The name of the pool that this Redis and prefix are, made with its first run store. */
export async function poolId({ redis, prefix }: StoreParts): Promise<string> {
  const key = `${prefix}:pool-id`;
  await redis.set(key, randomBytes(6).toString('hex'), 'NX');
  return (await redis.get(key)) ?? 'unknown';
}
