import type { Logger } from '../../shared/logger.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Run } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Runners } from '../../shared/runners/list.js';
import { again } from '../again.js';
import type { Figures } from '../figures.js';
import type { DiskWatch } from '../host/disk-watch.js';
import type { Following } from '../process/descendants.js';
import { addToMeta, programPid, wrapperPid } from '../spool/spool.js';
import { tellAttempt } from './attempts.js';
import type { OwnedRun } from './owned-run.js';
import { lookForSession } from './session-lookup.js';
import type { Begun } from './start-attempt.js';
import { type Supervision, supervise } from './supervise.js';

export interface WatchOverDeps {
  readonly runs: RunStore;
  readonly runners: Runners;
  readonly host: string;
  readonly following: Pick<Following, 'follow'>;
  readonly keepLeftovers: boolean;
  readonly afterResultGraceMs: number;
  readonly mostOutputKept: number;
  readonly disk: Pick<DiskWatch, 'lostOutput'>;
  readonly figures: Figures;
  readonly logger: Logger;
}

/** Watches a program from now on, one that we have started or that we found running. */
export function watchOver(
  deps: WatchOverDeps,
  owned: OwnedRun,
  begun: Begun,
  saw?: (message: unknown) => void,
): Supervision {
  const { runs, runners, host, following, keepLeftovers, afterResultGraceMs, mostOutputKept, disk } = deps;
  const { spool, meta, from, pidsBefore, wrapperGone, program } = begun;
  const runner = runners.get(meta.runner);
  if (!runner) throw new Error(`the spool of run ${owned.id} names the unknown runner ${meta.runner}`);
  const logger = deps.logger.child({
    runId: owned.id,
    runner: runner.name,
    ...omitUndefined({ principal: meta.principal }),
  });
  const { path, home } = meta;
  let told: number | undefined;
  void program?.then((pid) => {
    told = pid;
  });
  // As long as the start is being told, with as many tries as it takes, it is not told a second time.
  let isTellingStart = wrapperGone !== undefined;
  const supervision = supervise({
    runs,
    runner,
    own: owned,
    spool,
    meta,
    from,
    pidsBefore,
    ...(wrapperGone && { wrapperGone }),
    ...(program && { program }),
    following,
    keepLeftovers,
    afterResultGraceMs,
    mostOutputKept,
    figures: deps.figures,
    ...(saw && { saw }),
    lostOutput: () => disk.lostOutput(owned.id, spool),
    rememberSession: (id, { agentName, principal }) =>
      runs.sessions.remember({
        id,
        runner: runner.name,
        agentName,
        runId: owned.id,
        host,
        path,
        home,
        principal,
      }),
    async tellAgain(run: Run) {
      if (meta.attempt) await tellAttempt(runs, owned, meta.attempt, run, logger);
      if (isTellingStart) return;
      const pid = told ?? run.pid ?? programPid(spool); // the file is the last to be believed
      if (pid !== undefined && pid !== run.pid) await runs.started(owned, pid, path, !meta.attempt);
    },
    logger,
  });
  if (meta.sessionId !== undefined) supervision.sessionKnown(meta.sessionId);
  // Its record was read just before we started it.
  if (!wrapperGone || owned.wasAsked)
    supervision.reconcile().catch((error: unknown) => logger.debug({ err: error }, 'the next heartbeat looks again'));
  if (wrapperGone)
    void tellStart(deps, owned, begun, supervision, logger).finally(() => {
      isTellingStart = false;
    });
  return supervision;
}

/** Tells of a program that we have started: its pid to the record, its wrapper to the next worker of this host. */
async function tellStart(
  { runs, figures }: WatchOverDeps,
  owned: OwnedRun,
  { spool, meta, plan, program }: Begun,
  supervision: Supervision,
  logger: Logger,
): Promise<void> {
  const over = new AbortController();
  void supervision.over.then(() => over.abort());
  const persist = <Answer>(action: () => Answer | Promise<Answer>) =>
    again(action, over.signal, (error) => logger.warn({ err: error }, 'the start cannot be recorded; trying again'));
  const pid = await program;
  if (pid !== undefined) {
    if (!meta.attempt) figures.started(meta.runner, performance.now() - owned.obtainedAt);
    logger.info({ pid, ...omitUndefined({ attempt: meta.attempt?.number }) }, 'the program has started');
    if (plan) lookForSession(plan, { runId: owned.id, pid, path: meta.path }, supervision, logger);
    await persist(async () => {
      const sentAt = performance.now();
      if ((await runs.started(owned, pid, meta.path, !meta.attempt)).changed) owned.confirmedAt = sentAt;
    });
  }
  await persist(() => {
    const { wrapper } = meta;
    if (wrapper && wrapperPid(spool) === wrapper.pid) addToMeta(spool, { wrapper }); // else another one was faster
  });
}
