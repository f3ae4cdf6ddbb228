import type { Logger } from '../../shared/logger.js';
import type { Failure, Run } from '../../shared/run.js';
import type { Ending, Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { sizeOfOwn } from '../spool/own-files.js';
import type { Spool } from '../spool/spool.js';
import type { Attempt, SpoolMeta } from '../spool/spool-meta.js';
import type { EndedBy } from './outcome.js';

/** What decides whether there is a further attempt. */
export interface Tried {
  readonly ending: Ending;
  readonly endedBy: EndedBy | undefined;
  /** The model has answered, or a tool was used; undefined where the runner cannot tell. */
  readonly worked: boolean | undefined;
  readonly attempt: number;
  readonly attempts: number;
}

/**
 * Why the next values are tried: the provider refused these before any work was done. A prompt that has begun to work
 * is never given away a second time, nor one of which nobody can tell.
 */
export function refusalOf({ ending, endedBy, worked, attempt, attempts }: Tried): Failure | undefined {
  const { failure, result } = ending;
  const refused = failure?.kind === 'auth' || failure?.kind === 'rate_limit';
  const ours = endedBy !== undefined && endedBy !== 'hopeless';
  return refused && !ours && worked === false && result === undefined && attempt < attempts ? failure : undefined;
}

/** Says that a further attempt begins, unless the record has it: a worker before us may have died in between. */
export async function tellAttempt(
  runs: Pick<RunStore, 'triesAgain'>,
  own: Ownership,
  { number: attempt, because }: Attempt,
  run: Run | undefined,
  logger: Logger,
): Promise<void> {
  if (!run?.credentials || run.credentials.attempt >= attempt) return;
  const credentials = { ...run.credentials, attempt };
  await runs.triesAgain(own, credentials, because);
  logger.info({ runId: own.id, ...credentials, because: because.kind }, 'the provider refused; trying the next values');
}

/** The attempt after the one of a spool: its output goes on where that of all before has ended. */
export function attemptAfter(
  { stdout, stderr }: Pick<Spool, 'stdout' | 'stderr'>,
  { attempt, startedUptimeMs }: Pick<SpoolMeta, 'attempt' | 'startedUptimeMs'>,
  because: Failure,
): Attempt {
  const from = { out: sizeOfOwn(stdout), err: sizeOfOwn(stderr) };
  return { number: (attempt?.number ?? 1) + 1, from, startedUptimeMs, because };
}
