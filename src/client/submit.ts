import { randomFillSync } from 'node:crypto';
import { allowedDirectories, allowLine, placeOf, realPathOf } from '../shared/allowed-directories.js';
import { lookOnceATurn } from '../shared/by-turn.js';
import { RedisRefusedError, UnreachableError, UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { LOCAL } from '../shared/principal.js';
import { route } from '../shared/queues/route.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { Run, RunRequest } from '../shared/run.js';
import { isEnded, type RunState } from '../shared/run-state.js';
import type { Session } from '../shared/run-store/sessions.js';
import type { TraceContext } from '../shared/traces/trace-context.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';
import { checkShare } from './check-share.js';
import {
  checkGiven,
  checkHost,
  checkKnownHost,
  checkPrompt,
  checkRunner,
  suits,
  takesRuns,
  unknownSession,
  waitsWarning,
} from './check-submission.js';
import { sessionFor } from './resumed-session.js';
import { beginSending, errorTypeOf } from './sending-span.js';
import { type Submission, withProfile } from './submission.js';
import { type WaitingFor, waitingForAll } from './waiting-for.js';
import { type WorkingDirectory, workingDirectoryFor } from './working-directory.js';

/** What became of a submission. */
export interface Submitted {
  readonly run: Run;
  /** From 1; absent once a worker has it. */
  readonly queuePosition?: number;
  /** Why it is not started yet, and what helps. */
  readonly waitingFor?: WaitingFor;
  /** Nobody can take it yet. */
  readonly warning?: string;
  /** Worth knowing whatever becomes of it: its session is not known here. */
  readonly remark?: string;
}

/** What its caller should know of a submission, now that its run is in this state. */
export const warningOf = ({ warning, remark }: Submitted, state: RunState): string | undefined =>
  [remark, state === 'queued' ? warning : undefined].filter((words) => words !== undefined).join(' ') || undefined;

/** A submission that was checked: what is written, where it is placed, and what its caller should know. */
interface Placement {
  readonly request: RunRequest & { readonly principal: string };
  readonly queue: string;
  readonly clientToken: string | undefined;
  /** A worker that may take it has room at this moment. */
  readonly free: boolean;
  /** Worth knowing as long as it is queued. */
  readonly warning: string | undefined;
  /** Worth knowing whatever becomes of it. */
  readonly remark: string | undefined;
}

/** The longest that a submission waits for a free worker to report the pid (ms). */
const PID_WITHIN_MS = 2_000;
/** How often a run is written when the connection is lost meanwhile. */
const MOST_TRIES = 3;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Of an id, after its letter. */
const ID_CHARS = 19;
/** Random bytes for many ids: whatever their number, each draw is a call of the system. */
const drawn = Buffer.alloc(ID_CHARS * 64);
let used = drawn.length;

/** A new run id: a letter first, since BullMQ takes no numbers as job ids, then 95 random bits. */
export function newRunId(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  let id = 'r';
  for (const byte of drawn.subarray(used, used + ID_CHARS)) id += ALPHABET[byte % 32];
  used += ID_CHARS;
  return id;
}

/** Checks what was asked for, writes the run, places it, and waits a moment for its start. Never waits for the run. */
export async function submit(caller: Caller, submission: Submission): Promise<Submitted> {
  const { pool, signal } = caller;
  const [workers, queuedAt] = await Promise.all([pool.workers.list(), pool.runs.nextTime()]);
  const placement = await decide(
    caller,
    submission,
    workers.filter(({ alive }) => alive),
  );
  const { queue, warning, remark } = placement;
  const [share, room] = await Promise.allSettled([
    checkShare(caller, [placement.request.prompt]),
    pool.queues.checkRoom(queue, caller.principal.name),
  ]);
  for (const check of [share, room]) if (check.status === 'rejected') throw check.reason;
  const askPosition = (id: string) => pool.queues.position(id, queue);
  let asked: ReturnType<typeof askPosition> | undefined; // while Redis confirms what was written
  const run = await place(caller, placement, queuedAt, (id) => {
    if (!placement.free) asked = askPosition(id);
    asked?.catch(() => {}); // whoever awaits it is told
  });
  const free = placement.free && (await pool.runs.sessionHolder(run)) === undefined;
  const started = ({ state, pid }: Run) => pid !== undefined || isEnded(state);
  const wakesOn = (_: RunState, isClaim: boolean) => !isClaim; // its pid comes later
  const waiting = { timeoutMs: PID_WITHIN_MS, wakesOn, ...omitUndefined({ signal }) };
  const seen = (free ? await pool.runs.wait(run.id, started, waiting) : run) ?? run;
  // What was known a moment ago need not be asked again, unless a start was waited for.
  const position = seen.state === 'queued' ? (asked ?? askPosition(run.id)) : Promise.resolve(undefined);
  const known = { workers: free ? undefined : workers, positionOf: () => position };
  const [waiter, queuePosition] = await Promise.all([waitingForAll(pool, [seen], known), position]);
  const waitingFor = waiter(seen);
  return {
    run: seen,
    ...omitUndefined({ queuePosition, waitingFor, remark, warning: run.state === 'queued' ? warning : undefined }),
  };
}

/**
 * Submits several, or none when one of them is wrong; never waits. `nameOf` says which one an error is about. Throws a
 * UserError, and an UnreachableError that names what was submitted before Redis went away.
 */
export async function submitAll(
  caller: Caller,
  submissions: readonly Submission[],
  nameOf: (at: number) => string = (at) => `number ${at + 1}`,
): Promise<Submitted[]> {
  const { pool } = caller;
  const [workers, queuedAt] = await Promise.all([pool.workers.living(), pool.runs.nextTime()]);
  const placements: Placement[] = [];
  for (const [at, submission] of submissions.entries())
    try {
      placements.push(await decide(caller, submission, workers));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(error.code, `${error.message}; nothing was submitted`, error.hint, nameOf(at));
    }
  let sets = 0; // of requirements that are asked for together
  for (const queue of new Set(placements.map((one) => one.queue))) {
    const into = placements.filter((one) => one.queue === queue);
    await pool.queues.checkRoom(queue, caller.principal.name, into.length, sets);
    if (into[0]?.request.requires?.length) sets += 1;
  }
  await checkShare(
    caller,
    placements.map(({ request }) => request.prompt),
  );
  const runs = await placeAll(caller, placements, queuedAt);
  return runs.map((run, at) => {
    const warning = run.state === 'queued' ? placements[at]?.warning : undefined;
    return { run, ...omitUndefined({ warning, remark: placements[at]?.remark }) };
  });
}

/** Checks what was asked for and decides where it goes; writes nothing. Throws a UserError for what cannot be done. */
async function decide(caller: Caller, submission: Submission, workers: readonly LivingWorker[]): Promise<Placement> {
  const { pool, principal } = caller;
  const { clientToken, autoResume, ...asked } = await withProfile(pool, submission);
  checkRunner(pool, asked, workers);
  checkPrompt(pool, asked.prompt);
  checkGiven(pool, asked.runner, asked.setup ?? {});
  const asking = { ...asked, agentName: asked.agentName ?? asked.runner, principal: principal.name };
  const session = await sessionFor(caller, asking, autoResume ?? false);
  const { clientDirectory: earlier, ...asks } = asking;
  const wanted = { ...asks, ...omitUndefined({ sessionId: asked.sessionId ?? session?.id }) };
  checkHost(wanted, session);
  await checkKnownHost(pool, wanted.host);
  const { remark, ...where } = await whereToWork(caller, { ...wanted, earlier }, session, workers);
  const request = { ...wanted, ...where };
  const suited = workers.filter((worker) => suits(worker, request, session));
  const remarks = [unknownSession(request, session), remark].filter((words) => words !== undefined);
  return {
    request,
    queue: route({ ...request, sessionHost: session?.host }),
    clientToken,
    free: suited.some((worker) => takesRuns(worker) && worker.running < worker.capacity),
    remark: remarks.length === 0 ? undefined : remarks.join(' '),
    warning: suited.some(takesRuns) ? undefined : waitsWarning(pool, request, session, workers),
  };
}

const whatIsHere = lookOnceATurn((home) => ({ here: placeOf(home), allowedHere: allowedDirectories(home) }));

/** See `workingDirectoryFor`. */
async function whereToWork(
  { pool, principal, directory }: Caller,
  { earlier, ...request }: RunRequest & { earlier: string | undefined },
  session: Session | undefined,
  workers: readonly LivingWorker[],
): Promise<WorkingDirectory> {
  const { home } = pool.config;
  const { path, host } = request;
  return workingDirectoryFor({
    path,
    host: session?.host ?? host,
    sessionPath: session?.path,
    directory: await directory?.(),
    earlier: principal.name === LOCAL.name ? earlier : undefined, // nobody else was let in there
    workers,
    suited: workers.filter((worker) => suits(worker, request, session)),
    ...whatIsHere(home),
    realPath: realPathOf,
    allowLine: (wanted, here) => allowLine(wanted, here ? home : undefined),
  });
}

/**
 * Writes a run and places it. The queue must have room. When a connection was lost meanwhile, all of it is done again,
 * which leaves one run: a failover may have kept a part of it.
 */
async function place(
  caller: Caller,
  placement: Placement,
  queuedAt: number,
  onPlaced: (id: string) => void = () => {},
): Promise<Run> {
  const span = beginSending(caller, placement);
  try {
    const run = await placeWithin(caller.pool, placement, { queuedAt, trace: span?.context }, onPlaced);
    span?.end({ facts: { 'messaging.message.id': run.id } });
    return run;
  } catch (error) {
    span?.end({ error: errorTypeOf(error) });
    throw error;
  }
}

async function placeWithin(
  pool: Pool,
  { request, queue, clientToken }: Placement,
  { trace, queuedAt }: { readonly trace: TraceContext | undefined; readonly queuedAt: number },
  onPlaced: (id: string) => void,
): Promise<Run> {
  const { principal } = request;
  const fresh = newRunId();
  for (let left = MOST_TRIES; left > 0; left -= 1) {
    const before = pool.runs.interruptions();
    const id = clientToken === undefined ? fresh : await pool.runs.idForToken(principal, clientToken, fresh);
    const isFirst = left === MOST_TRIES;
    // Nobody else has this id, so its record and its job are written in one message.
    const placing = isFirst && id === fresh ? await pool.queues.placing(id, queue, request) : undefined;
    const along = { trace, placing, queuedAt: isFirst ? queuedAt : undefined };
    const run = await pool.runs.create(id, queue, request, along);
    if (placing) onPlaced(id);
    // It may have been placed before; a repeated token may find a run whose first submission broke off before that, or a
    // job that was placed although its record was refused, and that a worker has ended since.
    else if (run.state === 'queued') await pool.queues.placeAnew(id, run.queue, request);
    await pool.runs.settled(id); // what was accepted is not lost when Redis crashes, nor in a failover
    if (pool.runs.interruptions() === before) return run;
  }
  throw new RedisRefusedError(
    'the connection to Redis was lost again and again',
    'So nobody can tell whether the run is kept. Ask again (with the same clientToken, where there was one).',
  );
}

/** Writes and places all of them. When Redis goes away meanwhile, the error names what was submitted before. */
async function placeAll(caller: Caller, placements: readonly Placement[], queuedAt: number): Promise<Run[]> {
  const placed = await Promise.allSettled(placements.map((one) => place(caller, one, queuedAt)));
  const runs = placed.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = placed.find((one) => one.status === 'rejected');
  if (!failed) return runs;
  const error = asUnreachable(failed.reason);
  if (!error) throw failed.reason;
  const ids = runs.map(({ id }) => id).join(', ');
  const hint = `${error.hint} Submitted before that: ${ids || 'none'}; list_runs (agentpool runs) shows the runs there are.`;
  throw new UnreachableError(error.message, hint, { cause: error });
}
