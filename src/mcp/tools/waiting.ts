import { setMaxListeners } from 'node:events';
import { z } from 'zod';
import { beginningOf } from '../../shared/plain-text.js';
import type { Pool } from '../../shared/pool.js';
import type { Run } from '../../shared/run.js';
import { isEnded, RUN_STATES } from '../../shared/run-state.js';
import { cursorOf } from '../../shared/run-store/output.js';
import { startReporting } from './progress.js';
import { failureView } from './run-view.js';
import { textOf } from './text.js';
import type { ToolContext } from './tool.js';

/** No tool waits for more runs than this at once. */
export const MOST_RUNS = 50;
/** How much of the end of the output is shown (bytes). */
const TAIL_BYTES = 2_048;
/** What the results of several runs may have together (characters): an answer with all of them must reach its client. */
const RESULTS_CHARS = 256 * 1024;
const OUTPUTS_BYTES = 32 * 1024;

/** A run that was waited for, as callers see it. */
export const waitedView = z.object({
  runId: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  exitCode: z.number().int().optional(),
  failure: failureView.optional(),
  result: z.string().optional(),
  resultCut: z.boolean().optional().describe('The result is longer; get_agent_status has all of it'),
  output: z.string().describe('The end of the output'),
  nextCursor: z.string().describe('For stream_agent_output: what comes after this end'),
});
export type WaitedView = z.infer<typeof waitedView>;

/** How long to wait (ms), as an argument of a tool. */
export const waitTimeout = z
  .number()
  .int()
  .min(0)
  .max(86_400_000)
  .default(900_000)
  .describe('The longest to wait (ms); one call blocks no longer than your client allows, 45 s unless known better');

export const allEnded = (runs: readonly Run[]) => runs.every(({ state }) => isEnded(state));

/** Waits until `enough` holds, the time is up or the caller gives up; answers the runs as they are then, in order. */
export async function waitForRuns(
  targets: readonly Run[],
  enough: (runs: readonly Run[]) => boolean,
  timeoutMs: number,
  context: ToolContext,
): Promise<Run[]> {
  if (enough(targets)) return [...targets];
  const { pool, signal } = context;
  const over = new AbortController();
  const latest = new Map(targets.map((run) => [run.id, run]));
  const runs = () => targets.map((run) => latest.get(run.id) ?? run);
  const reporting = startReporting(context, [...latest.keys()]);
  const both = AbortSignal.any([signal, over.signal]);
  setMaxListeners(0, both); // one for each run
  try {
    await Promise.all(
      [...latest.keys()].map(async (id) => {
        const until = (run: Run) => {
          latest.set(id, run);
          return isEnded(run.state);
        };
        await pool.runs.wait(id, until, { timeoutMs: Math.min(timeoutMs, context.waitCapMs), signal: both });
        if (enough(runs())) over.abort();
      }),
    );
  } finally {
    reporting.stop();
  }
  return runs();
}

/** What callers are shown of runs that were waited for. */
export function waitedViews(pool: Pool, runs: readonly Run[]): Promise<WaitedView[]> {
  const resultChars = Math.floor(RESULTS_CHARS / runs.length);
  const tailBytes = Math.min(TAIL_BYTES, Math.floor(OUTPUTS_BYTES / runs.length));
  return Promise.all(
    runs.map(async (run) => {
      const [tail, result] = await Promise.all([
        pool.runs.tail(run.id, tailBytes, undefined),
        isEnded(run.state) ? pool.runs.result(run.id) : undefined,
      ]);
      return {
        runId: run.id,
        agentName: run.agentName,
        status: run.state,
        output: textOf(tail.bytes, false),
        nextCursor: cursorOf(tail.next),
        ...(run.exitCode !== undefined && { exitCode: run.exitCode }),
        ...(run.failure && { failure: run.failure }),
        ...(result !== undefined && { result: beginningOf(result, resultChars) }),
        ...(result !== undefined && result.length > resultChars && { resultCut: true }),
      };
    }),
  );
}
