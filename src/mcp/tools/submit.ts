import { randomBytes } from 'node:crypto';
import { isWithin } from '../../shared/allowed-path.js';
import { UserError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import { route } from '../../shared/queues/route.js';
import type { Run, RunOrder } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { Session } from '../../shared/run-store/sessions.js';
import type { LivingWorker } from '../../shared/workers.js';
import { sessionFor } from './resumed-session.js';
import { waitingFor } from './run-view.js';
import type { Caller, ToolContext } from './tool.js';
import { withProfile } from './with-profile.js';

/** What a caller may say about a run; `autoResume` and `clientToken` are resolved here. */
export interface Submission extends Omit<RunOrder, 'agentName' | 'principal' | 'runner' | 'setup'> {
  /** By default that of the agent's profile. */
  readonly runner?: string;
  readonly agentName?: string;
  readonly autoResume?: boolean;
  /** A workspace of overmind, for the session that autoResume does not find here. */
  readonly config?: string;
  readonly clientToken?: string;
}

/** A submission as it is stored: it has an agent name, and belongs to somebody. */
type Order = RunOrder & { readonly principal: string };
type Submitter = Pick<ToolContext, 'pool' | 'principal' | 'signal'>;

export interface Submitted {
  readonly run: Run;
  readonly queuePosition?: number;
  readonly waitingFor?: string;
  readonly warning?: string;
}

/** The longest that a submission waits for a free worker to report the pid (ms). */
const PID_WITHIN_MS = 2_000;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new run id: a letter first, since BullMQ takes no numbers as job ids, then 95 random bits. */
export function newRunId(): string {
  return `r${[...randomBytes(19)].map((byte) => ALPHABET[byte % 32]).join('')}`;
}

/** A submission that was checked: what is written, where it is placed, and what its caller should know. */
export interface Prepared {
  readonly order: Order;
  readonly queue: string;
  readonly clientToken?: string | undefined;
  /** A worker that may take it has room at this moment. */
  readonly free: boolean;
  /** Nobody can take it yet. */
  readonly warning?: string | undefined;
}

/** Checks what was asked for, writes the run, places it, and waits a moment for its start. Never waits for the run. */
export async function submit(context: Submitter, submission: Submission): Promise<Submitted> {
  const { pool, signal } = context;
  const prepared = await prepare(context, submission, await pool.workers.living());
  const { queue, warning } = prepared;
  await pool.queues.checkRoom(queue);
  const run = await place(pool, prepared);
  const free = prepared.free && (await pool.runs.sessionHolder(run)) === undefined;
  const seen = free
    ? await pool.runs.wait(run.id, ({ state, pid }) => pid !== undefined || isEnded(state), {
        timeoutMs: PID_WITHIN_MS,
        signal,
      })
    : run;
  const queuePosition = seen?.state === 'queued' ? await pool.queues.position(run.id, queue) : undefined;
  return {
    run: seen ?? run,
    ...(await waitingFor(pool, seen ?? run)),
    ...(queuePosition !== undefined && { queuePosition }),
    ...(warning && run.state === 'queued' && { warning }),
  };
}

/** Checks what was asked for and decides where it goes; writes nothing. Throws a UserError for what cannot be done. */
export async function prepare(
  { pool, principal }: Caller,
  submission: Submission,
  workers: readonly LivingWorker[],
): Promise<Prepared> {
  const { clientToken, autoResume, config, ...asked } = await withProfile(pool, submission);
  checkRunner(pool, asked, workers);
  checkPrompt(pool, asked.prompt);
  const agentName = asked.agentName ?? asked.runner;
  const asking = { ...asked, agentName, principal: principal.name };
  const session = await sessionFor({ pool, principal }, asking, autoResume ?? false, config);
  const sessionId = asked.sessionId ?? session?.id;
  const order: Order = { ...asking, ...(sessionId !== undefined && { sessionId }) };
  checkHost(order, session);
  const suited = workers.filter((worker) => suits(worker, order, session));
  checkPath(order, suited);
  return {
    order,
    queue: route({ runner: order.runner, host: order.host, sessionHost: session?.host }),
    clientToken,
    free: suited.some((worker) => !worker.problem && worker.running < worker.capacity),
    warning: suited.some(({ problem }) => !problem) ? undefined : waitsWarning(pool, order, session, suited),
  };
}

/** Writes a run and places it. The queue must have room. */
export async function place(pool: Pool, { order, queue, clientToken }: Prepared): Promise<Run> {
  const fresh = newRunId();
  const id = clientToken === undefined ? fresh : await pool.runs.idForToken(order.principal, clientToken, fresh);
  const created = await pool.runs.create(id, queue, order);
  const run = await pool.runs.get(id);
  if (!run) throw new Error(`run ${id} vanished while it was created`);
  // A repeated token may find a run whose first submission broke off before it was placed; placing twice is harmless.
  if (created || run.state === 'queued') await pool.queues.enqueue(id, run.queue, order);
  await pool.runs.settled(id); // what was accepted is not lost when Redis crashes
  return run;
}

/** Throws a UserError for a runner that nobody knows, and for what it cannot do. */
export function checkRunner(
  pool: Pool,
  { runner: name, mode, sessionId }: Pick<RunOrder, 'runner' | 'mode' | 'sessionId'>,
  workers: readonly LivingWorker[],
): void {
  const runner = pool.runners.get(name);
  const elsewhere = workers.flatMap((worker) => worker.runners.map((offered) => offered.name));
  if (!runner && elsewhere.includes(name)) return; // a worker's own runner, of which we know the name only
  if (!runner) {
    const known = [...new Set([...pool.runners.keys(), ...elsewhere])].join(', ');
    throw new UserError('unknown_runner', `runner: there is no ${JSON.stringify(name)}`, `Use one of: ${known}.`);
  }
  if (mode !== undefined && !runner.modes?.includes(mode)) {
    const allowed = runner.modes ? `Use one of: ${runner.modes.join(', ')}.` : 'Leave mode out.';
    throw new UserError('invalid_argument', `mode: ${JSON.stringify(mode)} is none of ${runner.title}'s`, allowed);
  }
  if (sessionId !== undefined && !runner.resumeArgs)
    throw new UserError('cannot_resume', `${runner.title} cannot resume a session`, 'Leave sessionId out.');
}

function checkPrompt({ config }: Pool, prompt: string): void {
  const bytes = Buffer.byteLength(prompt);
  if (bytes <= config.maxPromptBytes) return;
  throw new UserError(
    'prompt_too_large',
    `prompt: it has ${bytes} bytes, and ${config.maxPromptBytes} are allowed`,
    'Put the long part into a file under path and name it in the prompt, or raise AGENTPOOL_MAX_PROMPT_BYTES.',
  );
}

function checkHost({ host }: RunOrder, session: Session | undefined): void {
  if (!session || host === undefined || host === session.host) return;
  throw new UserError(
    'wrong_host',
    `host: session ${session.id} lives on ${session.host}, not on ${host}`,
    'Leave host out.',
  );
}

function suits(worker: LivingWorker, { runner, host }: RunOrder, session: Session | undefined): boolean {
  const bound = session?.host ?? host;
  const offered = worker.runners.some(({ name }) => name === runner);
  return offered && worker.phase === 'ready' && (bound === undefined || worker.host === bound);
}

/** Refuses at once what no worker will allow; the worker itself looks again, with symbolic links resolved. */
function checkPath({ path }: RunOrder, suited: readonly LivingWorker[]): void {
  if (path === undefined) return;
  if (!path.startsWith('/'))
    throw new UserError(
      'path_not_allowed',
      `path: ${JSON.stringify(path)} is not absolute`,
      'Give the full path on the worker.',
    );
  const allowed = [...new Set(suited.flatMap((worker) => worker.allowedPaths))];
  if (suited.length === 0 || (isWithin(path, allowed) && !path.split('/').includes('..'))) return;
  throw new UserError(
    'path_not_allowed',
    `path: ${path} is outside of the directories that the workers allow`,
    `Use a directory under: ${allowed.join(', ')}.`,
  );
}

function waitsWarning(
  pool: Pool,
  { runner, host }: RunOrder,
  session: Session | undefined,
  suited: readonly LivingWorker[],
): string {
  const unhealthy = suited.map((worker) => `${worker.host} (${worker.problem?.message})`);
  if (unhealthy.length > 0) return `The run waits: nothing can be started for now on ${unhealthy.join(', ')}.`;
  const bound = session?.host ?? host;
  const where = bound === undefined ? '' : ` on host ${bound}`;
  const install = pool.runners.get(runner)?.install;
  return `No live worker has ${runner}${where}; the run waits until one does.${install ? ` Install it on a worker: ${install}` : ''}`;
}
