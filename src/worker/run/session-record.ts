import type { Logger } from '../../shared/logger.js';
import { LOCAL } from '../../shared/principal.js';
import type { Run } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

export interface SessionRecordDeps {
  readonly runs: Pick<RunStore, 'get' | 'holdSession' | 'sessionKnown' | 'sessions' | 'interruptions'>;
  readonly runner: string;
  readonly own: Ownership;
  /** Keeps where the session lives, and whose it is: that of the run by its record, since files of a spool may be forged. */
  readonly remember: (sessionId: string, run: Run) => Promise<void>;
  readonly logger: Logger;
}

/** A program goes from one session to another now and then; a program that names more in one run would only fill Redis with them. */
const MOST_SESSIONS = 100;

/** Records the session of one run, the moment it is known and until it is recorded. */
export function createSessionRecord(deps: SessionRecordDeps, initial: string | undefined) {
  const { runs, runner, own, remember, logger } = deps;
  let sessionId = initial;
  /** How often the connection to Redis had been lost when all of it was told; undefined: it was not, by us. */
  let toldAt: number | undefined;
  let telling: Promise<void> = Promise.resolve();
  const refused = new Set<string>();
  let named = 0;
  const isTold = () => sessionId === undefined || toldAt === runs.interruptions();
  const record = async (id: string) => {
    const before = runs.interruptions();
    const [run, there] = await Promise.all([runs.get(own.id), runs.sessions.find(runner, id)]);
    if (!run) return;
    // A session stays with the principal that began it, whatever a program prints. Only a principal that may resume it gets here with it.
    const isForeign = there !== undefined && (there.principal ?? LOCAL.name) !== run.principal;
    if (isForeign && run.resumes !== id) {
      refused.add(id);
      if (sessionId === id) sessionId = run.sessionId;
      logger.warn({ sessionId: id }, 'the program names a session of somebody else; that is ignored');
      return;
    }
    // In this order on the wire: a reader that hears of the session must find it held.
    const held = runs.holdSession(runner, id, own.id);
    const known = run.sessionId === id ? [] : [runs.sessionKnown(own, id)];
    await Promise.all([held, ...known, ...(isForeign ? [] : [remember(id, run)])]);
    if (sessionId === id) toldAt = before;
  };
  return {
    isKnown: () => sessionId !== undefined,
    known(id: string): void {
      if (id === sessionId || refused.has(id) || named > MOST_SESSIONS) return;
      named += 1;
      if (named > MOST_SESSIONS) {
        logger.warn({ sessionId: id }, 'the program names one session after the other; no more of them are recorded');
        return;
      }
      sessionId = id;
      toldAt = undefined;
      telling = record(id).catch((error: unknown) =>
        logger.warn({ err: error }, 'the session id could not be recorded'),
      );
    },
    /**
     * Tells it again if the record does not have it, or Redis may have forgotten what else is told of a session: whose it
     * is, where it lives, and who uses it.
     */
    async compare(run: Run): Promise<void> {
      if (sessionId !== undefined && (run.sessionId !== sessionId || !isTold())) await record(sessionId);
    },
    isTold,
    /** The session, once it is clear that it is the run's. */
    async accepted(): Promise<string | undefined> {
      await telling;
      return sessionId;
    },
  };
}
