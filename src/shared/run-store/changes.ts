import { omitUndefined } from '../omit-undefined.js';
import { beginningOf } from '../plain-text.js';
import type { Credentials, Failure, KillRequest, LaunchFacts, ProviderLimit } from '../run.js';
import { type RunState, statesBefore } from '../run-state.js';
import { change, changeAndLook, flat, stateOf } from './change.js';
import { noteKept } from './kept-output.js';
import { linesIn } from './output.js';
import type {
  Appended,
  Change,
  ChangeWithRecord,
  Chunk,
  EndChange,
  Ending,
  KillRecorded,
  Ownership,
  Requeued,
  Shipped,
} from './ownership.js';
import type { StoreParts } from './parts.js';
import { reindex } from './put-right.js';
import { readRun } from './record.js';
import { CLAIMED } from './wait.js';

/** Results are for models to read: a longer one is shortened, and the output has all of it. */
const MOST_RESULT_CHARS = 256 * 1024;

/** queued → running: exactly one worker gets it, with a new epoch. */
export async function claim(parts: StoreParts, id: string, worker: string, host: string): Promise<Change> {
  return change(parts, id, {
    from: ['queued'],
    to: 'running',
    isNewOwner: true,
    timeField: 'claimedAt',
    event: { state: 'running', host, worker },
    word: CLAIMED,
    fields: { worker, host },
    host,
  });
}

/** Records why a queued run is not started yet. */
export async function tellWaiting(parts: StoreParts, id: string, waitReason: string): Promise<Change> {
  return change(parts, id, { from: ['queued'], event: { state: 'queued', waitReason }, fields: { waitReason } });
}

/** Another owner for a run that is running or orphaned, if it is still owned as `from` says. */
export async function takeOver(parts: StoreParts, from: Ownership, worker: string, host: string): Promise<Change> {
  return change(parts, from.id, {
    from: ['running', 'orphaned'],
    to: 'running',
    epoch: from.epoch,
    isNewOwner: true,
    event: { state: 'running', host, worker, attached: true },
    fields: { worker, host },
    host,
  });
}

/** Records that the program of an attempt may have the prompt from now on: it is never given to another one. */
export async function launching(
  parts: StoreParts,
  { id, epoch }: Ownership,
  attempt: number,
  facts: LaunchFacts,
): Promise<ChangeWithRecord> {
  const fields = { launched: attempt, launchFacts: JSON.stringify(facts) };
  return changeAndLook(parts, id, { from: ['running'], epoch, fields });
}

/** Records that a program that was about to be started was not, so that without its spool the run does not pass for lost. */
export async function notLaunched(parts: StoreParts, { id, epoch }: Ownership): Promise<Change> {
  return change(parts, id, { from: statesBefore('queued'), epoch, fields: { launched: '', launchFacts: '' } });
}

/** Records that the program runs; a further try began with the first. */
export async function started(
  parts: StoreParts,
  { id, epoch }: Ownership,
  pid: number,
  path: string,
  isFirst: boolean,
): Promise<Change> {
  return change(parts, id, {
    from: ['running'],
    epoch,
    ...(isFirst && { timeField: 'startedAt' }),
    event: { state: 'running', pid },
    fields: { pid, path },
  });
}

/** Records that the provider refused, and that the next values are tried. */
export async function triesAgain(
  parts: StoreParts,
  { id, epoch }: Ownership,
  credentials: Credentials,
  because: Failure,
): Promise<Change> {
  const { attempt } = credentials;
  const event = { state: 'running', ...credentials, because };
  // The process of the try before is over: its pid must not pass for the one of this try.
  return change(parts, id, { from: ['running'], epoch, event, fields: { attempt, limit: '', pid: '' } });
}

/** Records that the provider does not answer the program for now, or, without a limit, that it does again. */
export async function limited(
  parts: StoreParts,
  { id, epoch }: Ownership,
  limit: ProviderLimit | undefined,
): Promise<Change> {
  const order = { from: ['running'], epoch, event: { limit: limit ?? null } } as const;
  const fields = { limit: limit ? JSON.stringify(limit) : '' };
  return change(parts, id, { ...order, fields, ...(limit && { timeField: 'limitedAt' }) });
}

/** Records the session of a run the moment it is known. */
export async function sessionKnown(parts: StoreParts, { id, epoch }: Ownership, sessionId: string): Promise<Change> {
  return change(parts, id, { from: ['running'], epoch, event: { sessionId }, fields: { sessionId } });
}

/** orphaned → running: the owner was only silent. */
export async function comeBack(parts: StoreParts, { id, epoch }: Ownership): Promise<Change> {
  return change(parts, id, { from: ['orphaned'], to: 'running', epoch, event: { state: 'running' } });
}

/** running → orphaned: the owner is silent. */
export async function orphan(parts: StoreParts, { id, epoch }: Ownership): Promise<Change> {
  return change(parts, id, {
    from: ['running'],
    to: 'orphaned',
    epoch,
    timeField: 'orphanedAt',
    event: { state: 'orphaned' },
  });
}

const REFUSED_REQUEUE = { 1: undefined, 0: undefined, [-1]: 'kill', [-2]: 'started', [-3]: 'errors' } as const;

/** running or orphaned → queued, see `RunStore.requeue`; then it is not a run of its host any more. */
export async function requeue(
  { redis, keysOf, indexes }: StoreParts,
  { id, epoch }: Ownership,
  host: string,
  mostErrors: number | undefined,
): Promise<Requeued> {
  const { run, events, channel } = keysOf(id);
  const from = statesBefore('queued').join(',');
  const event = JSON.stringify({ state: 'queued', host });
  const [code, now, found] = await redis.requeueRun(run, events, channel, from, epoch, event, mostErrors ?? '');
  // Also when it is queued already: that may have been us, and the answer was lost.
  const queued = now === 'queued' ? await readRun(redis, run) : undefined;
  if (queued) await Promise.all([indexes.move(queued), indexes.leaveHost(id, host)]);
  const refused = REFUSED_REQUEUE[code];
  return { changed: code === 1, state: stateOf(now), epoch: found, ...(refused && { refused }) };
}

/** The states in which a run may end; without an owner it may only be killed, as long as it is queued. */
function statesToEnd(to: Ending['state'], epoch: number | undefined): readonly RunState[] {
  if (epoch === undefined && to === 'killed') return ['queued'];
  return statesBefore(to).filter((state) => state !== 'queued');
}

/** Ends a run, see `RunStore.end`; then it leaves the indexes of what runs, and its session is free. */
export async function end(
  parts: StoreParts,
  id: string,
  epoch: number | undefined,
  ending: Ending,
  shipped: Shipped | undefined,
): Promise<EndChange> {
  const { redis, keysOf, retention, indexes, sessionLocks } = parts;
  const { state, exitCode, failure, usage, result = '', sessionId, agoMs = 0 } = ending;
  const texts = { failure: failure && JSON.stringify(failure), usage: usage && JSON.stringify(usage) };
  const { run, events, request, result: resultKey, channel } = keysOf(id);
  const [code, now, newEpoch, out, err, ...of] = await redis.endRun(
    run,
    events,
    request,
    resultKey,
    channel,
    statesToEnd(state, epoch).join(','),
    state,
    epoch ?? '',
    shipped?.out ?? '',
    shipped?.err ?? '',
    JSON.stringify({ state, exitCode, failure, usage }),
    beginningOf(result, MOST_RESULT_CHARS),
    retention.outputRetentionMs,
    retention.recordRetentionMs,
    Math.max(0, Math.round(agoMs)),
    ...flat({ exitCode, ...texts, sessionId }),
  );
  // Also when it had ended already: that may have been us, and the answer was lost.
  if (code === 1 || now === state) {
    const [before, queuedAt, runner, known, resumes, endedAt, took] = of;
    const outcome = { runner, ...(took >= 0 && { durationMs: took }) };
    const moved =
      before === now
        ? reindex(parts, id)
        : indexes.follow({ id, queuedAt, from: before as RunState, to: state, outcome });
    const sessions = omitUndefined({ sessionId: sessionId ?? (known || undefined), resumes: resumes || undefined });
    const kept = Math.min(Number(out) + Number(err), retention.maxOutputBytes);
    const noted = noteKept(parts, id, endedAt || (await parts.now()), kept);
    await Promise.all([moved, noted, sessionLocks.release({ id, runner, ...sessions })]);
  }
  return { changed: code === 1, state: stateOf(now), epoch: newEpoch, ...(code === -1 && { missing: { out, err } }) };
}

/** Records the result before the end, see `RunStore.keepResult`. */
export async function keepResult(
  { redis, keysOf, retention }: StoreParts,
  { id, epoch }: Ownership,
  text: string,
): Promise<boolean> {
  const { run, result } = keysOf(id);
  const shown = beginningOf(text, MOST_RESULT_CHARS);
  return (await redis.keepResult(run, result, epoch, shown, retention.recordRetentionMs)) === 1;
}

/** Appends output; see the script for the code of the answer. */
export async function append(
  { redis, keysOf, retention }: StoreParts,
  { id, epoch }: Ownership,
  chunks: readonly Chunk[],
): Promise<Appended> {
  const { run, events, channel } = keysOf(id);
  const list = chunks.flatMap(({ kind, offset, bytes, gone }): (string | number | Buffer)[] =>
    gone === undefined ? [kind, offset, bytes, linesIn(bytes)] : [`${kind}Gone`, offset, '', gone],
  );
  const [code, out, err] = await redis.appendOutput(run, events, channel, epoch, retention.maxOutputBytes, ...list);
  return { code, out, err };
}

/** Records that a kill was asked for; answers the state, and the owner that has to be notified. */
export async function requestKill(
  { redis, keysOf }: StoreParts,
  id: string,
  { signal, graceMs, reason = '' }: Omit<KillRequest, 'requestedAt'>,
): Promise<KillRecorded> {
  const [state, worker] = await redis.requestKill(keysOf(id).run, signal, graceMs, reason);
  return { state: stateOf(state), worker };
}
