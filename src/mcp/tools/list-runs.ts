import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import { beginningOf } from '../../shared/plain-text.js';
import type { Run } from '../../shared/run.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { runView, viewOf, waitingFor } from './run-view.js';
import { defineTool, READS } from './tool.js';
import { agentNameArgument, seenBy } from './which-run.js';

/** Statistics look at no more runs than this. */
const MOST_COUNTED = 10_000;

const statistics = z.object({
  runner: z.string(),
  status: z.enum(RUN_STATES),
  count: z.number().int(),
  medianMs: z.number().int().optional().describe('Of the time from start to end'),
  longestMs: z.number().int().optional(),
});

export const listRuns = defineTool({
  name: 'list_runs',
  title: 'List runs',
  description:
    'The runs there are, newest first, by agent name, runner, status, host or time; with stats also counts and durations.',
  input: z.strictObject({
    agentName: agentNameArgument.optional(),
    runner: z.string().optional(),
    status: z.enum(RUN_STATES).optional(),
    host: z.string().optional(),
    since: z.number().min(0).optional().describe('Queued at or after this time (ms since the epoch)'),
    limit: z.number().int().min(1).max(200).default(20),
    cursor: z.string().optional().describe('nextCursor of an earlier call'),
    stats: z.boolean().default(false).describe('Also counts and durations by runner and status'),
  }),
  output: z.object({
    runs: z.array(runView),
    nextCursor: z.string().optional().describe('Absent: these were the last ones'),
    stats: z.array(statistics).optional(),
  }),
  annotations: READS,
  scope: 'read',
  handle: async ({ since = 0, limit, cursor, stats, ...asked }, { pool, principal }) => {
    const { status, agentName, runner, host } = asked;
    const filter = {
      ...seenBy(principal),
      ...(agentName !== undefined && { agentName }),
      ...(runner !== undefined && { runner }),
      ...(status !== undefined && { state: status }),
      ...(host !== undefined && { host }),
    };
    const found = await pool.runs.list(filter, limit + 1, positionOf(cursor));
    const recent = found.filter((run) => run.queuedAt >= since);
    const page = recent.slice(0, limit);
    const last = page.at(-1);
    const more = recent.length > limit && last;
    const counted = stats ? await pool.runs.list(filter, MOST_COUNTED) : [];
    return {
      runs: await Promise.all(page.map(async (run) => ({ ...viewOf(run), ...(await waitingFor(pool, run)) }))),
      ...(more && { nextCursor: `${last.queuedAt}.${last.id}` }),
      ...(stats && { stats: statisticsOf(counted.filter((run) => run.queuedAt >= since)) }),
    };
  },
});

function positionOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [, queuedAt, id] = /^(\d{1,16})\.(\w+)$/.exec(cursor) ?? [];
  if (queuedAt === undefined || id === undefined)
    throw new UserError(
      'invalid_argument',
      `cursor: ${JSON.stringify(beginningOf(cursor, 100))} is none`,
      'Give nextCursor of an earlier answer as it is.',
    );
  return { queuedAt: Number(queuedAt), id };
}

function statisticsOf(runs: readonly Run[]): z.infer<typeof statistics>[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.runner} ${run.state}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const durations = group
      .flatMap(({ startedAt, endedAt }) =>
        startedAt !== undefined && endedAt !== undefined ? [endedAt - startedAt] : [],
      )
      .sort((a, b) => a - b);
    const medianMs = durations[Math.floor(durations.length / 2)];
    const longestMs = durations.at(-1);
    return [
      {
        runner: first.runner,
        status: first.state,
        count: group.length,
        ...(medianMs !== undefined && { medianMs }),
        ...(longestMs !== undefined && { longestMs }),
      },
    ];
  });
}
