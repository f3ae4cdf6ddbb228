import type { RunStatus } from '../client/status.js';
import { localTime } from './local-time.js';

type Waiting = Pick<RunStatus, 'status' | 'hostProblem' | 'waitReason' | 'waitingFor' | 'queuePosition'>;

/** Why a run is not started yet, in words; undefined when it is, or has ended. */
export function waitsFor(run: Waiting): string | undefined {
  const { status, hostProblem, waitReason, waitingFor, queuePosition } = run;
  if (status !== 'queued') return undefined;
  if (hostProblem) return `its host takes no runs since ${localTime(hostProblem.since)}: ${hostProblem.message}`;
  if (waitReason) return waitReason;
  if (waitingFor) return `for the session, which run ${waitingFor} uses`;
  return queuePosition === undefined ? undefined : `place ${queuePosition} in its queue`;
}
