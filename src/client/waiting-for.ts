import { counted } from '../shared/measures.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { partsOf } from '../shared/queues/route.js';
import type { Run } from '../shared/run.js';
import { unmet } from '../shared/workers/labels.js';
import { HOST_FIXES, type LivingWorker } from '../shared/workers/workers.js';
import { takesRuns } from './check-submission.js';
import { limitOf, type UsedLimit, usesOf } from './runner-limits.js';
import { unmetInWords } from './unmet-requirements.js';

/** Why a run does not run yet, or does not go on. More kinds may come. */
export const WAIT_KINDS = ['slot', 'turn', 'session', 'delay', 'no_worker', 'host', 'cordoned', 'limit'] as const;

/** What a run waits for, and what helps. */
export interface WaitingFor {
  readonly kind: (typeof WAIT_KINDS)[number];
  readonly message: string;
  readonly hint: string;
  /** When it is over (Redis server milliseconds), where that is known. */
  readonly until?: number;
  readonly untilIso?: string;
  /** The run that has its session. */
  readonly runId?: string;
  /** Its place in the queue; 1 starts next. */
  readonly position?: number;
  /** Which of its program's tries to reach the provider comes next, from 1, and how many there are. */
  readonly attempt?: number;
  readonly of?: number;
}

/** What is known about a queued run from elsewhere than its record. */
export interface WaitFacts {
  readonly workers: readonly LivingWorker[];
  /** How its program is installed, where that is known here. */
  readonly install?: string | undefined;
  /** The run that has its session. */
  readonly holder?: string | undefined;
  readonly position?: number | undefined;
  /** When its delay is over (Redis server milliseconds). */
  readonly dueAt?: number | undefined;
  /** What the pool allows its runner, where all who can take it keep to that, and how much of it is in use. */
  readonly limit?: UsedLimit | undefined;
  /** How many runs its principal has running, where that keeps it from starting. */
  readonly share?: { readonly running: number; readonly most: number } | undefined;
}

/** Whether nobody can start it as things are, however long one waits. */
export const isStuck = (waiting: WaitingFor | undefined) => waiting !== undefined && STUCK.includes(waiting.kind);
const STUCK: readonly WaitingFor['kind'][] = ['no_worker', 'host', 'cordoned'];

/** What a run waits for, and what helps, in one line. */
export const waitingInWords = ({ message, hint }: WaitingFor) => `${message}. ${hint}`;

/** Decides what a run waits for that is running: its provider, or nothing. */
function forProvider({ limit, limitedAt }: Run): WaitingFor | undefined {
  if (!limit) return undefined;
  const { message, attempt, of, retryAfterMs, resetsAt } = limit;
  const until =
    resetsAt ?? (limitedAt !== undefined && retryAfterMs !== undefined ? limitedAt + retryAfterMs : undefined);
  const untilIso = until === undefined ? undefined : new Date(until).toISOString();
  const tries = attempt === undefined ? '' : `; try ${attempt}${of === undefined ? '' : ` of ${of}`}`;
  return {
    kind: 'limit',
    message: `The provider does not answer for now: ${message}${tries}`,
    hint:
      resetsAt === undefined
        ? `Its program tries again by itself${untilIso ? ` at ${untilIso}` : ''}.`
        : `It is over at ${untilIso}.`,
    ...omitUndefined({ until, untilIso, attempt, of }),
  };
}

/** Decides what a run waits for; undefined for one that goes on, or has ended. */
export function waitingForOf(run: Run, facts: WaitFacts): WaitingFor | undefined {
  if (run.state === 'running') return forProvider(run);
  if (run.state !== 'queued') return undefined;
  if (run.waitReason !== undefined)
    return { kind: 'no_worker', message: run.waitReason, hint: 'Start or upgrade a worker to the newer release.' };
  const isBound = hostOf(run) !== undefined; // there it is delayed for a moment while a limit is reached
  const [first, second] = isBound ? [forLimit(run, facts), forTime(facts)] : [forTime(facts), forLimit(run, facts)];
  return forSession(run, facts) ?? forWorker(run, facts) ?? first ?? second ?? forSlot(run, facts);
}

function forSession({ resumes, sessionId }: Run, { holder }: WaitFacts): WaitingFor | undefined {
  if (holder === undefined) return undefined;
  return {
    kind: 'session',
    runId: holder,
    message: `Session ${resumes ?? sessionId} is in use by run ${holder}`,
    hint: `This run starts by itself after run ${holder} has ended; kill_agent (agentpool kill ${holder}) ends that one now.`,
  };
}

/** The workers that may take it when they have room, whatever is wrong with them now. */
const suited = (run: Run, workers: readonly LivingWorker[]) =>
  able(run, workers).filter(({ labels }) => unmet(run.requires ?? [], labels).length === 0);

/** Those that have its program, on the host that it is bound to. */
function able(run: Run, workers: readonly LivingWorker[]): LivingWorker[] {
  const host = hostOf(run);
  const there = workers.filter((worker) => worker.alive && (host === undefined || worker.host === host));
  return there.filter(({ phase, runners }) => phase === 'ready' && runners.some(({ name }) => name === run.runner));
}

/** The host that a run is bound to. */
const hostOf = ({ queue }: Run) => partsOf(queue).host;

function forWorker(run: Run, { workers, install }: WaitFacts): WaitingFor | undefined {
  const takers = suited(run, workers);
  if (takers.some(takesRuns)) return undefined;
  const cordoned = takers.find(({ cordonedSince }) => cordonedSince !== undefined);
  if (cordoned) return forCordoned(cordoned);
  const [sick] = takers;
  if (sick?.problem)
    return {
      kind: 'host',
      message: `Host ${sick.host} takes no runs: ${sick.problem.message}`,
      hint: `On ${sick.host}: ${HOST_FIXES[sick.problem.kind]}. It then takes runs again by itself.`,
    };
  const host = hostOf(run);
  const living = workers.filter(({ alive, phase }) => alive && phase === 'ready');
  if (host !== undefined && !living.some((worker) => worker.host === host)) return forHost(host, workers);
  if (living.length === 0)
    return {
      kind: 'no_worker',
      message: 'No worker is running',
      hint: 'Start one: agentpool worker (agentpool up starts the whole pool).',
    };
  const { runner, requires = [] } = run;
  const others = able(run, workers);
  if (others.length > 0) return { kind: 'no_worker', ...unmetInWords({ runner, requires, host }, others) };
  const where = host === undefined ? '' : ` on host ${host}`;
  return {
    kind: 'no_worker',
    message: `No living worker has ${run.runner}${where}`,
    hint: install
      ? `Install it on a worker${where}: ${install}`
      : 'Install it on a worker, or submit it for another runner.',
  };
}

function forCordoned({ host, cordonedSince = 0 }: LivingWorker): WaitingFor {
  const since = new Date(cordonedSince).toISOString();
  return {
    kind: 'cordoned',
    message: `Host ${host} has been cordoned since ${since} and takes no new runs`,
    hint: `agentpool uncordon ${host} lets it take runs again; another worker that has the program would take it, too.`,
  };
}

function forHost(host: string, workers: readonly LivingWorker[]): WaitingFor {
  const last = Math.max(...workers.filter((worker) => worker.host === host).map((worker) => worker.lastHeartbeatAt));
  const since = Number.isFinite(last) ? `; it was last heard of at ${new Date(last).toISOString()}` : '';
  return {
    kind: 'host',
    message: `Host ${host} is away${since}`,
    hint: `Start its worker again (agentpool worker on ${host}), or kill this run and submit it without that host or session; agentpool remove-host ${host} ends all that wait for it, if it is gone for good.`,
  };
}

function forLimit({ runner }: Run, { limit }: WaitFacts): WaitingFor | undefined {
  const { atOnce = Number.POSITIVE_INFINITY, startsPerMinute = Number.POSITIVE_INFINITY } = limit ?? {};
  if (limit && limit.running >= atOnce)
    return {
      kind: 'limit',
      message: `The pool's limit of ${counted(atOnce, `${runner} run`)} at once is reached`,
      hint: 'It starts by itself when one of them has ended; AGENTPOOL_POOL_CONCURRENCY of the workers is the limit.',
    };
  if (!limit || limit.startsLastMinute < startsPerMinute) return undefined;
  const until = limit.oldestStartOverAt;
  return {
    kind: 'limit',
    ...omitUndefined({ until, untilIso: until === undefined ? undefined : new Date(until).toISOString() }),
    message: `The pool's limit of ${counted(startsPerMinute, 'start')} of ${runner} in a minute is reached`,
    hint: 'It starts by itself within a minute; AGENTPOOL_STARTS_PER_MINUTE of the workers is the limit.',
  };
}

function forTime({ dueAt, share }: WaitFacts): WaitingFor | undefined {
  if (share)
    return {
      kind: 'turn',
      message: `You have ${share.running} runs running, and ${share.most} are allowed (AGENTPOOL_MAX_RUNNING_RUNS)`,
      hint: 'It starts by itself when one of them has ended.',
    };
  if (dueAt === undefined) return undefined;
  const untilIso = new Date(dueAt).toISOString();
  return {
    kind: 'delay',
    until: dueAt,
    untilIso,
    message: `Its delayMs is over at ${untilIso}`,
    hint: 'It then takes its turn by itself.',
  };
}

function forSlot(run: Run, { workers, position }: WaitFacts): WaitingFor {
  const takers = suited(run, workers).filter(takesRuns);
  const running = takers.reduce((sum, worker) => sum + worker.running, 0);
  const capacity = takers.reduce((sum, worker) => sum + worker.capacity, 0);
  const before = (position ?? 1) - 1;
  const ahead = before > 0 ? `; ${before} ${before === 1 ? 'run goes' : 'runs go'} first` : '';
  return {
    kind: before > 0 ? 'turn' : 'slot',
    ...omitUndefined({ position }),
    message: `${running} of the ${capacity} slots that can take it are in use${ahead}`,
    hint: 'It starts by itself; more workers, or a higher AGENTPOOL_CONCURRENCY, would start it sooner.',
  };
}

/** What who asks has asked already. */
interface Known {
  readonly workers?: readonly LivingWorker[] | undefined;
  /** Of a run that is queued. */
  readonly positionOf?: (run: Run) => Promise<number | undefined>;
}

/** Asks once for these runs what they wait for; for those that run, their records say it. */
export async function waitingForAll(
  pool: Pool,
  runs: readonly Run[],
  known: Known = {},
): Promise<(run: Run) => WaitingFor | undefined> {
  const queued = runs.filter(({ state }) => state === 'queued');
  const workers = queued.length === 0 ? [] : (known.workers ?? (await pool.workers.list()));
  const { positionOf = ({ id, queue }: Run) => pool.queues.position(id, queue) } = known;
  const useOf = usesOf(pool);
  const found = await Promise.all(
    queued.map(async (run) => {
      const facts = await factsOf(pool, run, workers, useOf, positionOf(run));
      return [run.id, waitingForOf(run, facts)] as const;
    }),
  );
  const all = new Map(found);
  return (run) => all.get(run.id) ?? (run.state === 'running' ? forProvider(run) : undefined);
}

async function factsOf(
  pool: Pool,
  run: Run,
  workers: readonly LivingWorker[],
  useOf: ReturnType<typeof usesOf>,
  asked: Promise<number | undefined>,
): Promise<WaitFacts> {
  const takers = suited(run, workers).filter(takesRuns);
  const allowed = limitOf(run.runner, takers);
  const { maxRunningRuns } = pool.config;
  const [holder, position] = await Promise.all([pool.runs.sessionHolder(run), asked]);
  const dueAt = position === undefined ? await pool.queues.dueAt(run.id, run.queue) : undefined;
  const running = dueAt !== undefined && maxRunningRuns > 0 ? await pool.runs.runningOf(run.principal) : 0;
  const share = maxRunningRuns > 0 && running >= maxRunningRuns ? { running, most: maxRunningRuns } : undefined;
  const install = pool.runners.get(run.runner)?.install;
  const limit = allowed && { ...allowed, ...(await useOf(run.runner)) };
  return { workers, install, holder, position, dueAt, limit, share };
}
