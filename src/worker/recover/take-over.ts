import { setTimeout as pause } from 'node:timers/promises';
import { sharedByTurn } from '../../shared/by-turn.js';
import type { Logger } from '../../shared/logger.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Queues } from '../../shared/queues/queues.js';
import type { Run } from '../../shared/run.js';
import { isEnded, type RunState } from '../../shared/run-state.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { SPOOL_FORM } from '../../shared/stored-form.js';
import type { LivingWorker } from '../../shared/workers/workers.js';
import { again } from '../again.js';
import { bootId, isAlive, isOfRun, processesOf } from '../process/processes.js';
import type { Beginning } from '../run/execute.js';
import { makeOurs } from '../run/make-ours.js';
import type { OwnedRun, OwnedRuns } from '../run/owned-run.js';
import {
  hasBegun,
  presentSpool,
  programPid,
  removeStart,
  type Spool,
  spooledRuns,
  spoolOf,
  wrapperPid,
} from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';
import { storedMeta, withWhatIsKnown } from '../spool/spool-meta.js';
import { allRuns } from './all-runs.js';
import type { Contact } from './contact.js';
import type { OrphanWatch } from './orphan-watch.js';
import type { RecentEnds } from './recent-ends.js';
import type { RegisterWatch } from './register-watch.js';
import { hasDiedBefore, lostBecause, sightOfSpool } from './sight.js';
import { tidy } from './tidy.js';

/** Whether a worker is gone for certain: it is unknown, it left, or it is of this host and its process is gone. */
function isGone(worker: LivingWorker | undefined, host: string): boolean {
  if (!worker || worker.phase === 'left') return true;
  return worker.host === host && !isAlive({ pid: worker.pid, start: worker.processStart });
}

/** Whether a worker is dead: gone, or silent for three heartbeats. */
export function isDead(worker: LivingWorker | undefined, host: string): boolean {
  return !worker?.alive || isGone(worker, host);
}

export interface TakeOverDeps {
  readonly runs: Pick<RunStore, 'get' | 'list' | 'indexes' | 'claim' | 'takeOver' | 'end' | 'interruptions'>;
  /** The register, as this worker sees it. */
  readonly register: Pick<RegisterWatch, 'list'>;
  readonly orphans: Pick<OrphanWatch, 'any'>;
  readonly queues: Pick<Queues, 'resumeLease'>;
  /** This worker. */
  readonly id: string;
  readonly host: string;
  readonly spools: string;
  readonly owned: OwnedRuns;
  readonly recentEnds: Pick<RecentEnds, 'has'>;
  readonly heartbeatMs: number;
  readonly contact: Contact;
  /** Does all that is to be done for a run that is ours; see `execute`. */
  readonly execute: (owned: OwnedRun, first: Beginning) => Promise<void>;
  readonly logger: Logger;
}

/** After how many heartbeats a host without other workers looks for new ones: what they leave in its spools it sees at once. */
const ALONE_BEATS = 12;

/** Spools that are considered at once: what they ask of Redis goes out together. */
const AT_ONCE = 16;

/** What the looks before have found. */
interface Before {
  /** Whether no other worker was on this host when the register was last read, and when that was. */
  alone: boolean;
  readAt: number;
  /**
   * How often the connection to Redis had been lost when all records of this host were looked at. A Redis that has forgotten
   * an end has a run of ours that we do not watch; so has one that forgot it after the spool had gone.
   */
  interruptions: number;
}

/** What takes over, again and again; see `takeOver`. */
export function openTakeOver(deps: TakeOverDeps): () => Promise<number> {
  const before: Before = { alone: false, readAt: 0, interruptions: 0 };
  return () => takeOver(deps, before);
}

/**
 * Takes over the runs of this host whose worker is gone: looks through the spools, attaches to the programs that live,
 * and reads the end of those that ended meanwhile. A run that cannot be taken over now is not in the way of the others.
 * Answers how many runs it took.
 */
async function takeOver(deps: TakeOverDeps, before: Before): Promise<number> {
  const { runs, host, owned, recentEnds, spools, logger } = deps;
  const neighbours = readRegister(deps, before);
  const interruptions = runs.interruptions();
  const spooled = spooledRuns(spools);
  let taken = 0;
  const consider = async (run: Run | undefined) => {
    if (!run || isEnded(run.state) || owned.has(run.id) || !(await neighbours.hasDeadOwner(run))) return;
    try {
      if (await take(deps, run)) taken += 1;
    } catch (error) {
      logger.warn({ runId: run.id, err: error }, 'the run cannot be taken over now; the next heartbeat tries again');
    }
  };
  const considerSpooled = async (runId: string) => {
    const run = await runs.get(runId);
    // Queued, and never begun here: it is not this host's any more.
    if (run?.state !== 'queued' || hasBegun(spoolOf(spools, runId))) await consider(run);
  };
  const unwatched = spooled.filter((runId) => !owned.has(runId) && !recentEnds.has(runId));
  for (let at = 0; at < unwatched.length; at += AT_ONCE)
    await Promise.all(unwatched.slice(at, at + AT_ONCE).map(considerSpooled));
  const mayBeForgotten = interruptions !== before.interruptions || (await neighbours.hasDead());
  for (const state of await statesToLookAt(deps, mayBeForgotten))
    for await (const run of allRuns(runs, { state, host })) if (!spooled.includes(run.id)) await consider(run);
  before.interruptions = interruptions;
  if (taken > 0) logger.info({ taken }, 'took over runs of a worker that is gone');
  return taken;
}

/** The states in which a run may need another owner. */
async function statesToLookAt({ orphans }: TakeOverDeps, all: boolean): Promise<readonly RunState[]> {
  if (all) return ['running', 'orphaned'];
  return (await orphans.any()) ? ['orphaned'] : [];
}

/** Who of the register is dead, as seen from here. */
function readRegister({ register: { list }, id, host, heartbeatMs, contact }: TakeOverDeps, before: Before) {
  let known: Map<string, LivingWorker> | undefined;
  const read = sharedByTurn(async () => {
    known = new Map((await list()).map((worker) => [worker.id, worker]));
    before.alone = [...known.values()].every((worker) => worker.id === id || worker.host !== host);
    before.readAt = performance.now();
    return known;
  });
  return {
    /** Whether another worker of this host is dead; who was alone lately has none. */
    async hasDead(): Promise<boolean> {
      if (!known && before.alone && performance.now() - before.readAt < ALONE_BEATS * heartbeatMs) return false;
      const register = known ?? (await read());
      return [...register.values()].some((worker) => worker.host === host && isDead(worker, host));
    },
    async hasDeadOwner({ worker }: Run): Promise<boolean> {
      // It is ours by its record and we do not watch it: we let go of it while we were taken for dead.
      if (worker === undefined || worker === id) return true;
      let register = known ?? (await read());
      if (!register.has(worker)) register = await read(); // it may have come, and taken the run, since we looked
      return (contact.isSteady() ? isDead : isGone)(register.get(worker), host);
    },
  };
}

/** Takes over a run whose owner is dead; false when another worker of this host was faster. */
async function take(deps: TakeOverDeps, run: Run): Promise<boolean> {
  const { runs, id, host, owned, spools, logger } = deps;
  // A program may write there that its spool is of a newer release, to be left alone: the record knows which one it is.
  const isOfNewer = (run.launchFacts?.form ?? SPOOL_FORM) > SPOOL_FORM;
  const stored = isOfNewer ? storedMeta(spoolOf(spools, run.id).directory) : undefined;
  if (stored && 'newer' in stored) {
    logger.warn(
      { runId: run.id, form: stored.newer },
      'its spool is of a newer release; it is left for a newer worker',
    );
    return false;
  }
  const handle = owned.obtain(run, undefined);
  if (!handle) return false;
  let ours = false;
  try {
    // With a spool and `queued`: a Redis that crashed has forgotten that the run was claimed, and perhaps started, here.
    const change = () => (run.state === 'queued' ? runs.claim(run.id, id, host) : runs.takeOver(run, id, host));
    ours = (await makeOurs(deps, handle, change)).changed;
  } finally {
    if (!ours) handle.letGo();
  }
  if (ours) void goOn(deps, handle, run);
  return ours;
}

/** Ours by its record now, so what cannot be looked at is looked at again until it is clear how to go on. */
async function goOn(deps: TakeOverDeps, handle: OwnedRun, run: Run): Promise<void> {
  const first = await again(
    () => beginningOf(deps, handle, run),
    handle.gone,
    (error) => deps.logger.warn({ runId: run.id, err: error }, 'the run cannot be gone on with yet; trying again'),
  );
  if (first) await deps.execute(handle, first);
  else handle.letGo();
}

/**
 * With what to go on: a program that may run is attached to; what was never started is started now. Undefined when there
 * is nothing to go on with, and the run has ended.
 */
async function beginningOf(deps: TakeOverDeps, handle: OwnedRun, run: Run): Promise<Beginning | undefined> {
  const { spools, logger } = deps;
  // Only now: its last owner may have made the spool, and died, since we listed them.
  const { spool, meta: stored } = presentSpool(spools, run.id);
  const meta = stored && withWhatIsKnown(stored, run);
  const sight = await sightOfSpool(spool, meta, run);
  const lost = lostBecause(run, meta, sight);
  if (lost) return giveUp(deps, handle, lost);
  handle.lease = meta && (await deps.queues.resumeLease(run.id, meta.queue, meta.leaseToken));
  if (!sight.begun || !meta) return { kind: 'start', attempt: meta?.attempt };
  if (hasDiedBefore(spool, meta, run)) {
    removeStart(spool);
    return { kind: 'start', attempt: meta.attempt };
  }
  const pid = run.pid ?? programPid(spool);
  const { principal, worker } = run;
  logger.info({ runId: run.id, ...omitUndefined({ principal, pid, from: worker }) }, 'the run is taken over');
  return { kind: 'begun', spool, meta: await withWrapper(run.id, spool, meta), from: run };
}

async function giveUp({ runs, spools, logger }: TakeOverDeps, handle: OwnedRun, message: string): Promise<undefined> {
  await runs.end(handle.id, handle.epoch, { state: 'failed', failure: { kind: 'lost', message } });
  await tidy(spools, handle.id, logger);
}

/** A wrapper says who it is within this time (ms). */
const SETTLE_MS = 1_000;

/** The worker may have died between the start of the wrapper and writing it down: then the wrapper says who it is. */
async function withWrapper(runId: string, spool: Spool, meta: SpoolMeta): Promise<SpoolMeta> {
  const { wrapper: known, ...rest } = meta;
  if (meta.bootId !== bootId()) return rest; // the machine was started anew: nothing of then is alive
  // The program can write there: who lives and does not carry the mark of this run is not its wrapper, and is let alone.
  if (known) return !isOfRun(runId, known) && isAlive(known) ? rest : meta;
  for (const begun = performance.now(); performance.now() - begun < SETTLE_MS; await pause(10)) {
    const pid = wrapperPid(spool);
    const marked = processesOf(runId);
    const wrapper = marked.find((process) => process.pid === pid);
    if (wrapper) return { ...meta, wrapper };
    if (pid !== undefined || marked.length === 0) break;
  }
  return rest;
}
