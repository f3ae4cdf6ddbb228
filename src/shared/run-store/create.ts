import { randomBytes } from 'node:crypto';
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
    const placings = items.flatMap(({ placing }) => placing ?? []);
    const steps = await inOrder(redis, commands, records, ...stepsOf(placings));
    const [indexed = [], written = [], known = [], jobs = [], told = []] = steps;
    const jobOf = new Map(placings.map((placing, at) => [placing, jobs[at]]));
    const failed = [...indexed, ...known, ...told].find(({ status }) => status === 'rejected');
    if (failed) return items.map(() => failed as PromiseRejectedResult);
    added();
    await Promise.all(placings.map(({ placed }) => placed()));
    return Promise.allSettled(
      items.map(async ({ id, queue, request, trace, placing }, at) => {
        const job = placing && jobOf.get(placing);
        for (const reply of [written[at], job]) if (reply?.status === 'rejected') throw reply.reason;
        const created = written[at]?.status === 'fulfilled' && written[at].value === 1;
        const run = created ? runOfRequest(id, queue, request, queuedAt, trace) : await readRun(redis, keysOf(id).run);
        if (!run) throw new Error(`run ${id} vanished while it was created`);
        return run;
      }),
    );
  });
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
