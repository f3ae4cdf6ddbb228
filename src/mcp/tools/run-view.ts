import { z } from 'zod';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Pool } from '../../shared/pool.js';
import { FAILURE_KINDS, type Run } from '../../shared/run.js';
import { RUN_STATES } from '../../shared/run-state.js';

const time = z.number().int().optional();
const iso = z.string().optional();

export const failureView = z.object({ kind: z.enum(FAILURE_KINDS), message: z.string() });
const usageView = z.object({
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  cachedInputTokens: z.number().optional(),
  costUsd: z.number().optional(),
});

const credentialsView = z
  .object({ attempt: z.number().int(), of: z.number().int(), variables: z.array(z.string()) })
  .describe("Which of its agent's values for these variables it uses; a further one when the provider refused");

/** A run as callers see it. Times are milliseconds since the epoch by the clock of Redis, and ISO strings. */
export const runView = z.object({
  runId: z.string(),
  principal: z.string().describe('Who submitted it'),
  runner: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  pid: z.number().int().optional(),
  host: z.string().optional(),
  worker: z.string().optional(),
  sessionId: z.string().optional(),
  credentials: credentialsView.optional(),
  exitCode: z.number().int().optional(),
  failure: failureView.optional(),
  usage: usageView.optional(),
  model: z.string().optional(),
  mode: z.string().optional(),
  path: z.string().optional(),
  queuedAt: z.number().int(),
  queuedAtIso: z.string(),
  startedAt: time,
  startedAtIso: iso,
  lastOutputAt: time,
  lastOutputAtIso: iso,
  endedAt: time,
  endedAtIso: iso,
  outputBytes: z.number().int().describe('Everything that the program has printed so far'),
  droppedBytes: z.number().int().describe('How much of it is no longer kept, from the beginning'),
  killRequestedAt: time,
  waitingFor: z.string().optional().describe('The run that has the session: this one starts after its end'),
});
export type RunView = z.infer<typeof runView>;

const withIso = <Name extends string>(name: Name, at: number | undefined) =>
  (at === undefined ? {} : { [name]: at, [`${name}Iso`]: new Date(at).toISOString() }) as Record<Name, number> &
    Record<`${Name}Iso`, string>;

/** What a caller is shown of a run. */
export function viewOf(run: Run): RunView {
  const { id, state, kill, outBytes, errBytes, droppedBytes, queuedAt, startedAt, lastOutputAt, endedAt } = run;
  const { credentials, principal, runner, agentName, pid, host, worker, sessionId, exitCode } = run;
  const { failure, usage, model, mode, path } = run;
  const optional = {
    pid,
    host,
    worker,
    sessionId,
    credentials: credentials && { ...credentials, variables: [...credentials.variables] },
    exitCode,
    failure,
    usage,
    model,
    mode,
    path,
    killRequestedAt: kill?.requestedAt,
  };
  return {
    runId: id,
    principal,
    runner,
    agentName,
    status: state,
    ...omitUndefined(optional),
    ...withIso('queuedAt', queuedAt),
    ...withIso('startedAt', startedAt),
    ...withIso('lastOutputAt', lastOutputAt),
    ...withIso('endedAt', endedAt),
    outputBytes: outBytes + errBytes,
    droppedBytes,
  };
}

/** The run that a queued one waits for, because it uses the session; nothing when there is none. */
export async function waitingFor(pool: Pool, run: Run): Promise<{ waitingFor?: string }> {
  const holder = await pool.runs.sessionHolder(run);
  return holder === undefined ? {} : { waitingFor: holder };
}

/** Where the output of a run can be read as a resource. */
export const outputUri = (runId: string) => `agent://runs/${runId}/output`;
