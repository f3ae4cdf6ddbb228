import { omitUndefined } from '../shared/omit-undefined.js';
import type { Credentials, Failure, Labels, Run, Usage } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';
import type { WorkerFacts } from './worker-facts.js';

/** A run as callers see it. Times are milliseconds since the epoch by the clock of Redis, and ISO strings. */
export interface RunView extends WorkerFacts {
  readonly runId: string;
  /** Who submitted it. */
  readonly principal: string;
  readonly runner: string;
  readonly agentName: string;
  readonly status: RunState;
  readonly pid?: number;
  readonly host?: string;
  readonly worker?: string;
  readonly sessionId?: string;
  readonly credentials?: Credentials;
  readonly exitCode?: number;
  readonly failure?: Failure;
  readonly usage?: Usage;
  readonly model?: string;
  readonly mode?: string;
  readonly path?: string;
  readonly labels?: Labels;
  /** Labels that its worker must have. */
  readonly requires?: readonly string[];
  /** The first line of the prompt; absent where that is not kept any more, and where nobody looked. */
  readonly promptLine?: string;
  readonly queuedAt: number;
  readonly queuedAtIso: string;
  readonly startedAt?: number;
  readonly startedAtIso?: string;
  readonly lastOutputAt?: number;
  readonly lastOutputAtIso?: string;
  readonly endedAt?: number;
  readonly endedAtIso?: string;
  /** Everything that the program has printed so far. */
  readonly outputBytes: number;
  /** How much of it is no longer kept, from the beginning. */
  readonly droppedBytes: number;
  readonly killRequestedAt?: number;
  /** Why a queued run is not started yet, where that is neither its place in the queue nor its session. */
  readonly waitReason?: string;
}

const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());

/** What a caller is shown of a run. */
export function viewOf(run: Run): RunView {
  const { id, state, kill, outBytes, errBytes, droppedBytes, queuedAt, startedAt, lastOutputAt, endedAt } = run;
  const { credentials, principal, runner, agentName, pid, host, worker, sessionId, exitCode } = run;
  const { failure, usage, model, mode, path, labels, requires, waitReason } = run;
  return {
    runId: id,
    principal,
    runner,
    agentName,
    status: state,
    ...omitUndefined({ pid, host, worker, sessionId, credentials, exitCode, failure, usage, model, mode, path }),
    ...omitUndefined({ labels, requires }),
    queuedAt,
    queuedAtIso: new Date(queuedAt).toISOString(),
    ...omitUndefined({
      startedAt,
      startedAtIso: iso(startedAt),
      lastOutputAt,
      lastOutputAtIso: iso(lastOutputAt),
      endedAt,
      endedAtIso: iso(endedAt),
    }),
    outputBytes: outBytes + errBytes,
    droppedBytes,
    ...omitUndefined({ killRequestedAt: kill?.requestedAt, waitReason }),
  };
}

/** The address of a run, and of its output. */
export const runUri = (runId: string) => `agent://runs/${runId}`;
export const outputUri = (runId: string) => `${runUri(runId)}/output`;
