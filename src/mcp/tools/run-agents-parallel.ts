import { z } from 'zod';
import { submitAll, warningOf } from '../../client/submit.js';
import { allEnded, waitedViews, waitForRuns } from '../../client/wait.js';
import { UserError } from '../../shared/errors.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import { runArguments, submissionOf } from '../shapes/run-arguments.js';
import { MOST_RUNS, waitedShape, waitTimeout } from '../shapes/waited.js';
import { defineTool } from '../tool.js';

const entry = z.strictObject({
  taskId: z.string().min(1).max(64).optional().describe('Your name for this entry; by default its number, from 1'),
  ...runArguments,
});
type Entry = z.infer<typeof entry>;

export const runAgentsParallel = defineTool({
  name: 'run_agents_parallel',
  title: 'Run several agents',
  description:
    'Starts up to 50 agent runs at once and waits for all of them, or for the first success. If one entry is wrong, none is started. When the time is up, the answer names what still runs: go on with wait_agent. Never ends a run.',
  input: z.strictObject({
    agents: z
      .array(entry)
      .min(1)
      .max(MOST_RUNS)
      .describe('1 to 50 entries; members as in run_agent')
      .meta({ terse: true }),
    waitAll: z.boolean().default(true).describe('false: answer at the first success'),
    timeoutMs: waitTimeout,
  }),
  output: z.object({
    agents: z.array(waitedShape.extend({ taskId: z.string(), runner: z.string(), warning: z.string().optional() })),
    timedOut: z.boolean().describe('The time was up first; what still runs goes on'),
    firstDone: z.string().optional().describe('With waitAll false: the taskId of the first success'),
    stillRunning: z.array(z.string()).describe('The runIds of what has not ended'),
    pollAfterMs: z.number().int().describe('When it makes sense to ask again (ms); 0: at once, with wait_agent'),
    hint: z.string().optional(),
  }),
  tells: ['agents', 'timedOut', 'firstDone', 'stillRunning', 'hint'],
  claude: { longAnswers: true },
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  scope: 'run',
  handle: async ({ agents, waitAll, timeoutMs }, context) => {
    const taskIds = namesOf(agents);
    const submissions = agents.map(({ taskId: _, ...asked }) => submissionOf(asked));
    const submitted = await submitAll(context, submissions, (at) => `agents.${at} (taskId ${taskIds[at]})`);
    const isOver = (runs: readonly Run[]) => allEnded(runs) || (!waitAll && firstDone(runs) !== undefined);
    const placed = submitted.map(({ run }) => run);
    const runs = await waitForRuns(context, placed, isOver, Math.min(timeoutMs, context.waitCapMs), true);
    const views = await waitedViews(context.pool, runs);
    const first = waitAll ? undefined : firstDone(runs);
    const stillRunning = [...new Set(runs.filter(({ state }) => !isEnded(state)).map(({ id }) => id))];
    return {
      agents: views.map((view, at) => ({
        taskId: taskIds[at] ?? '',
        runner: runs[at]?.runner ?? '',
        ...view,
        ...omitUndefined({ warning: submitted[at] && warningOf(submitted[at], view.status) }),
      })),
      timedOut: !isOver(runs),
      ...(first && { firstDone: taskIds[runs.indexOf(first)] ?? '' }),
      stillRunning,
      pollAfterMs: 0,
      ...(stillRunning.length > 0 && {
        hint: 'The others go on running. Call wait_agent with runIds = stillRunning to go on waiting, or kill_agent to end one.',
      }),
    };
  },
});

/** What each entry is called; throws a UserError when two are called the same. */
function namesOf(agents: readonly Entry[]): string[] {
  const names = agents.map(({ taskId }, at) => taskId ?? String(at + 1));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return names;
  throw new UserError(
    'invalid_argument',
    `agents: two entries are called ${JSON.stringify(twice)}`,
    'Give each entry a taskId of its own, or none at all.',
  );
}

/** The run that was done first. */
function firstDone(runs: readonly Run[]): Run | undefined {
  const done = runs.filter(({ state }) => state === 'done');
  return done.sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))[0];
}
