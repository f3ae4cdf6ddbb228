import { z } from 'zod';
import type { Pool } from '../../shared/pool.js';
import { KILL_SIGNALS, type Run } from '../../shared/run.js';
import { isEnded, RUN_STATES } from '../../shared/run-state.js';
import { killAnswer } from '../overmind/answers.js';
import { overmindRun } from '../overmind/named-workspace.js';
import { defineTool } from './tool.js';
import { findRun, runById, whichRun } from './which-run.js';

/** What the owner gets, beyond the grace, to carry out a kill and say so (ms). */
const CARRY_OUT_MS = 5_000;

export const killAgent = defineTool({
  name: 'kill_agent',
  title: 'Kill a run',
  description:
    'Ends a run and every process it has started, on whatever host; a queued run never starts. Answers with the fact. Killing what has ended changes nothing and says how it ended.',
  input: z.strictObject({
    ...whichRun,
    signal: z
      .enum(KILL_SIGNALS)
      .default('TERM')
      .describe('What the processes get first; whoever is left after the grace gets KILL'),
    graceMs: z.number().int().min(0).max(600_000).default(5_000).describe('Between the first signal and KILL (ms)'),
    reason: z.string().max(1_000).optional(),
  }),
  output: z.object({
    runId: z.string(),
    killed: z.boolean(),
    status: z.enum(RUN_STATES),
    pid: z.number().int().optional(),
    wasRunning: z.boolean(),
    pending: z.boolean().optional().describe('The owner cannot be reached; the kill is carried out when it returns'),
    hint: z.string().optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'kill',
  handle: async ({ signal, graceMs, reason, ...which }, context) => {
    const { pool } = context;
    const elsewhere = await overmindRun(context, which);
    if (elsewhere) return killAnswer(elsewhere);
    const before = await findRun(context, which);
    if (isEnded(before.state)) return answer(before, false);
    const { state } = await pool.runs.requestKill(before.id, {
      signal,
      graceMs,
      ...(reason !== undefined && { reason }),
    });
    if (state === 'queued' && (await killQueued(pool, before))) return answer(await runById(pool, before.id), false);
    const run = await carryOut(pool, before.id, graceMs, context.signal);
    if (isEnded(run.state)) return answer(run, true);
    return {
      ...answer(run, true),
      pending: true,
      hint: `The worker on ${run.host ?? 'its host'} has not answered yet. The wish is kept and carried out when it can; get_agent_status tells.`,
    };
  },
});

/** Nobody owns it, so it is ended here; false when a worker was faster. */
async function killQueued(pool: Pool, run: Run): Promise<boolean> {
  const { changed } = await pool.runs.end(run.id, undefined, { state: 'killed' });
  if (changed) await pool.queues.remove(run.id, run.queue);
  await pool.runs.settled(run.id);
  return changed;
}

/** Wakes the owner and waits for the fact. Without a living owner it does not wait. */
async function carryOut(pool: Pool, id: string, graceMs: number, signal: AbortSignal): Promise<Run> {
  const run = await runById(pool, id);
  if (isEnded(run.state) || run.worker === undefined) return run;
  await pool.control.wake(run.worker);
  await pool.runs.settled(id); // a wish that was accepted is not lost when Redis crashes
  const alive = (await pool.workers.living()).some(
    ({ id: worker, phase }) => worker === run.worker && phase !== 'left',
  );
  if (!alive) return run;
  const seen = await pool.runs.wait(id, ({ state }) => isEnded(state), { timeoutMs: graceMs + CARRY_OUT_MS, signal });
  return seen ?? run;
}

function answer(run: Run, wasRunning: boolean) {
  return {
    runId: run.id,
    killed: run.state === 'killed',
    status: run.state,
    wasRunning,
    ...(run.pid !== undefined && { pid: run.pid }),
  };
}
