import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import type { Run } from '../../shared/run.js';
import { isEnded, RUN_STATES } from '../../shared/run-state.js';
import { cursorOf } from '../../shared/run-store/output.js';
import { failureView } from './run-view.js';
import { textOf } from './text.js';
import { defineTool, type ToolContext } from './tool.js';
import { findRun, whichRun } from './which-run.js';

const TAIL_BYTES = 2_048;
/** The first progress comes at once, then one in this time (ms); clients give up between 30 s and 5 min of silence. */
const PROGRESS_EVERY_MS = 5_000;

const oneRun = z.object({
  runId: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  exitCode: z.number().int().optional(),
  failure: failureView.optional(),
  result: z.string().optional(),
  output: z.string().describe('The end of the output'),
  nextCursor: z.string().describe('For stream_agent_output: what comes after this end'),
});

export const waitAgent = defineTool({
  name: 'wait_agent',
  title: 'Wait for runs',
  description:
    'Waits for the end of one run or several. Where the time is up first it is no error: the answer says that the run goes on, and wait_agent can be called again. Giving up the wait never ends a run.',
  input: z.strictObject({
    ...whichRun,
    runIds: z.array(z.string().min(1)).min(1).max(50).optional().describe('Several runs'),
    mode: z.enum(['all', 'any']).default('all').describe('With several: wait for all of them, or for the first'),
    timeoutMs: z
      .number()
      .int()
      .min(0)
      .max(86_400_000)
      .default(900_000)
      .describe(
        'The longest to wait (ms); one call blocks no longer than your client allows, 45 s unless known better',
      ),
  }),
  output: oneRun.partial({ runId: true, agentName: true }).extend({
    timedOut: z.boolean().describe('The time was up first; the run goes on'),
    pollAfterMs: z.number().int().describe('When it makes sense to ask again (ms); 0: at once, with wait_agent'),
    hint: z.string().optional(),
    runs: z.array(oneRun).optional().describe('With several runs, each of them'),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  handle: async ({ runIds, mode, timeoutMs, ...which }, context) => {
    if (runIds && (which.runId ?? which.agentName) !== undefined)
      throw new UserError('invalid_argument', 'runIds excludes runId and agentName', 'Put all of them into runIds.');
    const { pool } = context;
    const targets = runIds
      ? await Promise.all(runIds.map((runId) => findRun(pool, { runId })))
      : [await findRun(pool, which)];
    const runs = await waitFor(targets, mode, Math.min(timeoutMs, context.waitCapMs), context);
    const views = await Promise.all(runs.map((run) => viewOfWaited(pool, run)));
    const deciding = decidingRun(runs, mode);
    const view = views[runs.indexOf(deciding)] ?? (await viewOfWaited(pool, deciding));
    const timedOut = !isOver(runs, mode);
    return {
      ...view,
      timedOut,
      pollAfterMs: 0,
      ...(timedOut && {
        hint: `Still ${deciding.state}. Call wait_agent again to go on waiting, or stream_agent_output with nextCursor to follow it.`,
      }),
      ...(runIds && { runs: views }),
    };
  },
});

const isOver = (runs: readonly Run[], mode: 'all' | 'any') =>
  mode === 'any' ? runs.some(({ state }) => isEnded(state)) : runs.every(({ state }) => isEnded(state));

/** The run whose state the answer as a whole has: the first that ended (any), else one that still goes on or went wrong. */
function decidingRun(runs: readonly Run[], mode: 'all' | 'any'): Run {
  const [first] = runs;
  if (!first) throw new Error('no runs to wait for');
  const byEnd = runs.filter(({ endedAt }) => endedAt !== undefined).sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  if (mode === 'any') return byEnd[0] ?? first;
  return runs.find(({ state }) => !isEnded(state)) ?? runs.find(({ state }) => state !== 'done') ?? first;
}

async function waitFor(
  targets: readonly Run[],
  mode: 'all' | 'any',
  timeoutMs: number,
  context: ToolContext,
): Promise<Run[]> {
  const { pool, signal } = context;
  const enough = new AbortController();
  const latest = new Map(targets.map((run) => [run.id, run]));
  const reporting = startReporting(context, latest);
  const both = AbortSignal.any([signal, enough.signal]);
  try {
    await Promise.all(
      targets.map(async ({ id }) => {
        const until = (run: Run) => {
          latest.set(id, run);
          return isEnded(run.state);
        };
        await pool.runs.wait(id, until, { timeoutMs, signal: both });
        if (isOver([...latest.values()], mode)) enough.abort();
      }),
    );
  } finally {
    reporting.stop();
  }
  return targets.map((run) => latest.get(run.id) ?? run);
}

/** Tells the waiting client what goes on, so that it neither gives up nor shows an empty line. */
function startReporting({ pool, progress }: ToolContext, latest: ReadonlyMap<string, Run>) {
  if (!progress) return { stop: () => {} };
  const begun = performance.now();
  const report = async () => {
    const elapsed = Math.round((performance.now() - begun) / 100) / 10;
    const lines = await Promise.all(
      [...latest.values()].slice(0, 5).map(async ({ id, agentName }) => {
        const [run, tail] = await Promise.all([pool.runs.get(id), pool.runs.tail(id, 512, undefined)]);
        const last = textOf(tail.bytes, false).trim().split('\n').at(-1)?.slice(0, 160) ?? '';
        return `${agentName}: ${run?.state ?? 'gone'}, ${(run?.outBytes ?? 0) + (run?.errBytes ?? 0)} bytes${last === '' ? '' : `, ${last}`}`;
      }),
    );
    progress(elapsed, lines.join('\n'));
  };
  const quietly = () => void report().catch(() => {});
  quietly();
  const timer = setInterval(quietly, PROGRESS_EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

async function viewOfWaited(pool: Pool, run: Run): Promise<z.infer<typeof oneRun>> {
  const [tail, result] = await Promise.all([
    pool.runs.tail(run.id, TAIL_BYTES, undefined),
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
    ...(result !== undefined && { result }),
  };
}
