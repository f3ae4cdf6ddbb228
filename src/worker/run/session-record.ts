import type { Logger } from '../../shared/logger.js';
import type { Run } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

export interface SessionRecordDeps {
  readonly runs: Pick<RunStore, 'holdSession' | 'sessionKnown'>;
  readonly runner: string;
  readonly own: Ownership;
  /** Keeps where the session lives. */
  readonly remember: (sessionId: string) => Promise<void>;
  readonly logger: Logger;
}

/** Records the session of one run, the moment it is known and until it is recorded. */
export function createSessionRecord(deps: SessionRecordDeps, initial: string | undefined) {
  const { runs, runner, own, remember, logger } = deps;
  let sessionId = initial;
  // In this order on the wire: whoever is told of the session must find it held.
  const record = (id: string) =>
    Promise.all([runs.holdSession(runner, id, own.id), runs.sessionKnown(own, id), remember(id)]);
  return {
    isKnown: () => sessionId !== undefined,
    known(id: string): void {
      if (id === sessionId) return;
      sessionId = id;
      record(id).catch((error: unknown) => logger.warn({ err: error }, 'the session id could not be recorded'));
    },
    /** Tells it again if the record does not have it. */
    async compare(run: Run): Promise<void> {
      if (sessionId !== undefined && run.sessionId !== sessionId) await record(sessionId);
    },
  };
}
