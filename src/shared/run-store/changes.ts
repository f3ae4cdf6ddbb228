import { beginningOf } from '../plain-text.js';
import type { RedisClient } from '../redis/connect.js';
import type { Credentials, Failure, KillRequest, Run } from '../run.js';
import { type RunState, statesBefore } from '../run-state.js';
import type { Indexes } from './indexes.js';
import { runKeys } from './keys.js';
import { linesIn } from './output.js';
import type { Change, Chunk, EndChange, Ending, Ownership, Retention, Shipped } from './ownership.js';
import { runFromFields } from './record.js';
import type { Scripts } from './scripts.js';
import { openSessionLocks } from './session-locks.js';

/** Results are for models to read; what is longer is cut, and the output has all of it. */
const MOST_RESULT_CHARS = 256 * 1024;

/** Fields flat as HSET takes them, without those that are not known. */
const given = (fields: Readonly<Record<string, string | number | undefined>>) =>
  Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));

const changeOf = (changed: boolean, state: string, epoch: number): Change => ({
  changed,
  state: state === 'unknown' ? undefined : (state as RunState),
  epoch,
});

/** Every change of a run: compare-and-set against the table of states, fenced by the owner's epoch. */
export function openChanges(
  redis: RedisClient & Scripts,
  prefix: string,
  indexes: Indexes,
  retention: Retention,
  promote: (runId: string, queue: string) => Promise<void>,
) {
  const keysOf = (id: string) => runKeys(prefix, id);

  async function get(id: string): Promise<Run | undefined> {
    return runFromFields(await redis.hgetall(keysOf(id).run));
  }

  const turns = openSessionLocks(redis, prefix, get, promote);

  async function change(
    id: string,
    from: readonly RunState[],
    to: RunState | '',
    options: {
      epoch?: number;
      bump?: boolean;
      timeField?: string;
      event?: object;
      fields?: Record<string, string | number | undefined>;
    },
  ): Promise<Change> {
    const { run, events, channel } = keysOf(id);
    const event = options.event ? JSON.stringify(options.event) : '';
    const [changed, state, epoch] = await redis.apChange(
      run,
      events,
      channel,
      from.join(','),
      to,
      options.epoch ?? '',
      options.bump ? 1 : 0,
      options.timeField ?? '',
      event,
      ...given(options.fields ?? {}),
    );
    return changeOf(changed === 1, state, epoch);
  }

  async function reindex(id: string): Promise<void> {
    const run = await get(id);
    if (run) await indexes.move(run);
  }

  /**
   * Ends a run; the first end wins, and the answer tells whether this was it. `epoch` undefined: nobody owns it.
   * `shipped`: it ends only when its stream has exactly so much.
   */
  async function end(id: string, epoch: number | undefined, ending: Ending, shipped?: Shipped): Promise<EndChange> {
    const { state, exitCode, failure, usage, result = '' } = ending;
    const { run, events, request, result: resultKey, channel } = keysOf(id);
    const from: readonly RunState[] =
      epoch === undefined && state === 'killed' ? ['queued'] : statesBefore(state).filter((s) => s !== 'queued');
    const [code, now, newEpoch, out, err] = await redis.apEnd(
      run,
      events,
      request,
      resultKey,
      channel,
      from.join(','),
      state,
      epoch ?? '',
      shipped?.out ?? '',
      shipped?.err ?? '',
      JSON.stringify({ state, exitCode, failure, usage }),
      beginningOf(result, MOST_RESULT_CHARS),
      retention.outputRetentionMs,
      retention.recordRetentionMs,
      ...given({ exitCode, failure: failure && JSON.stringify(failure), usage: usage && JSON.stringify(usage) }),
    );
    // Also when it had ended already: that may have been us, and the answer was lost.
    const ended = code === 1 || now === state ? await get(id) : undefined;
    if (ended) await Promise.all([indexes.move(ended), turns.releaseSessions(ended)]);
    return { ...changeOf(code === 1, now, newEpoch), ...(code === -1 && { missing: { out, err } }) };
  }

  return {
    ...turns,
    get,
    end,
    /** Puts a run into the indexes that its record says; used by the sweep after a crash in between. */
    reindex,

    /** queued → running: exactly one worker gets it, with a new epoch. */
    async claim(id: string, worker: string, host: string): Promise<Change> {
      const claimed = await change(id, ['queued'], 'running', {
        bump: true,
        timeField: 'claimedAt',
        event: { state: 'running', host, worker },
        fields: { worker, host },
      });
      if (claimed.changed) await reindex(id);
      return claimed;
    },

    /** Another owner for a run that is running or orphaned, if it is still owned as `from` says. */
    async takeOver(from: Ownership, worker: string, host: string): Promise<Change> {
      const taken = await change(from.id, ['running', 'orphaned'], 'running', {
        epoch: from.epoch,
        bump: true,
        event: { state: 'running', host, worker, attached: true },
        fields: { worker, host },
      });
      if (taken.changed) await reindex(from.id);
      return taken;
    },

    /** Records that the program runs; a further try began with the first. */
    async started({ id, epoch }: Ownership, pid: number, path: string, isFirst = true): Promise<Change> {
      return change(id, ['running'], '', {
        epoch,
        ...(isFirst && { timeField: 'startedAt' }),
        event: { state: 'running', pid },
        fields: { pid, path },
      });
    },

    /** Records that the provider refused, and that the next values are tried. */
    async triesAgain({ id, epoch }: Ownership, credentials: Credentials, because: Failure): Promise<Change> {
      const { attempt } = credentials;
      return change(id, ['running'], '', {
        epoch,
        event: { state: 'running', ...credentials, because },
        fields: { attempt },
      });
    },

    /** Records the session of a run the moment it is known. */
    async sessionKnown({ id, epoch }: Ownership, sessionId: string): Promise<Change> {
      return change(id, ['running'], '', { epoch, event: { sessionId }, fields: { sessionId } });
    },

    /** orphaned → running: the owner was only silent. */
    async comeBack({ id, epoch }: Ownership): Promise<Change> {
      const back = await change(id, ['orphaned'], 'running', { epoch, event: { state: 'running' } });
      if (back.changed) await reindex(id);
      return back;
    },

    /** running → orphaned, by the sweeper: the owner is silent. */
    async orphan({ id, epoch }: Ownership): Promise<Change> {
      const orphaned = await change(id, ['running'], 'orphaned', {
        epoch,
        timeField: 'orphanedAt',
        event: { state: 'orphaned' },
      });
      if (orphaned.changed) await reindex(id);
      return orphaned;
    },

    /** Appends output; see the script for the answer's code. */
    async append({ id, epoch }: Ownership, chunks: readonly Chunk[]): Promise<Shipped & { code: number }> {
      const { run, events, channel } = keysOf(id);
      const flat = chunks.flatMap(({ kind, offset, bytes }) => [kind, offset, bytes, linesIn(bytes)]);
      const [code, out, err] = await redis.apAppend(run, events, channel, epoch, retention.maxOutputBytes, ...flat);
      return { code, out, err };
    },

    /** Keeps the wish; answers the state and the owner that has to be woken. */
    async requestKill(
      id: string,
      wish: Omit<KillRequest, 'requestedAt'>,
    ): Promise<{ state: RunState | undefined; worker: string }> {
      const { run } = keysOf(id);
      const [state, worker] = await redis.apRequestKill(run, wish.signal, wish.graceMs, wish.reason ?? '');
      return { state: state === 'unknown' ? undefined : (state as RunState), worker };
    },
  };
}
