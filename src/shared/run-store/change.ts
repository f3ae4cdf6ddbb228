import type { RunState } from '../run-state.js';
import type { Change, ChangeWithRecord } from './ownership.js';
import type { StoreParts } from './parts.js';
import type { CLAIMED } from './wait.js';

type Fields = Readonly<Record<string, string | number | undefined>>;

/** One compare-and-set of a record: against the table of states, and fenced by the epoch of its owner. */
interface ChangeOrder {
  readonly from: readonly RunState[];
  /** Absent: the state stays. */
  readonly to?: RunState;
  /** The epoch that the run must still have; absent: no worker owns it yet. */
  readonly epoch?: number;
  /** The run gets a new epoch, and with it a new owner. */
  readonly isNewOwner?: boolean;
  readonly timeField?: 'claimedAt' | 'startedAt' | 'orphanedAt' | 'limitedAt';
  /** Absent: only the record tells of it. */
  readonly event?: object;
  /** What is told to those who listen; absent: the state. */
  readonly word?: typeof CLAIMED;
  readonly fields?: Fields;
  /** The host of a new owner. */
  readonly host?: string;
}

/** Fields as a flat list for HSET, without undefined ones. */
export const flat = (fields: Fields) =>
  Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));

/** The state that a script answers; undefined when there is no such run. */
export const stateOf = (answer: string) => (answer === 'unknown' ? undefined : (answer as RunState));

/** Makes it; answers what came of it. */
export async function change(parts: StoreParts, id: string, order: ChangeOrder): Promise<Change> {
  const { changed, state, epoch } = await changeAndLook(parts, id, order);
  return { changed, state, epoch };
}

/** The same, and what the record says at that moment. */
export async function changeAndLook(parts: StoreParts, id: string, order: ChangeOrder): Promise<ChangeWithRecord> {
  const { redis, keysOf, indexes } = parts;
  const {
    from,
    to = '',
    epoch: owner = '',
    isNewOwner = false,
    timeField = '',
    event,
    word = '',
    fields = {},
    host,
  } = order;
  const { run, events, channel } = keysOf(id);
  const [changed, state, epoch, before, queuedAt, killRequestedAt, out, err] = await redis.changeRun(
    run,
    events,
    channel,
    from.join(','),
    to,
    owner,
    isNewOwner ? 1 : 0,
    timeField,
    event ? JSON.stringify(event) : '',
    word,
    ...flat(fields),
  );
  if (changed === 1) {
    const followed = indexes.follow({ id, queuedAt, from: before as RunState, to: state as RunState, host });
    if (isNewOwner)
      followed.catch(() => {}); // it does not wait: they may lag, the sweep puts them right
    else await followed;
  }
  const isKillRequested = killRequestedAt !== '';
  return { changed: changed === 1, state: stateOf(state), epoch, isKillRequested, shipped: { out, err } };
}
