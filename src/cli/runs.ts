import type { Command } from 'commander';
import colors from 'picocolors';
import { findRuns } from '../client/list-runs.js';
import type { RunView } from '../client/run-view.js';
import { duration, size } from '../shared/measures.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { plainText } from '../shared/plain-text.js';
import type { Labels } from '../shared/run.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { LABEL_FLAGS, labelOption } from './label-option.js';
import { oneOf, wholeNumber } from './options.js';
import { paintState, printJson, printTable } from './print.js';
import { parseSince, sinceOption } from './since.js';
import { withPool } from './with-pool.js';

interface Options {
  readonly agent?: string;
  readonly runner?: string;
  readonly status?: RunState;
  readonly host?: string;
  readonly label?: Labels;
  readonly since?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--agent <name>', 'only of this agent name')
    .option('--runner <name>', 'only with this runner')
    .option('--status <state>', `only in this state: ${RUN_STATES.join(', ')}`, oneOf(RUN_STATES))
    .option('--host <name>', 'only on this host')
    .option(LABEL_FLAGS, 'only with this label (again for more)', labelOption)
    .option('--since <time>', 'only queued since: 5m, an ISO time, or ms', sinceOption)
    .option('--limit <n>', 'how many', wholeNumber({ least: 1, most: 200 }), 20)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool runs --status running')
    .action(({ agent, json, since, label: labels, ...query }: Options) =>
      withPool(async (caller) => {
        const now = await caller.pool.runs.now();
        const after = since === undefined ? undefined : parseSince(since, now);
        const found = await findRuns(caller, {
          ...query,
          ...omitUndefined({ since: after }),
          agentName: agent,
          labels,
        });
        if (json) return printJson(found);
        printTable(
          ['RUN', 'AGENT', 'RUNNER', 'STATUS', 'HOST', 'PID', 'TOOK', 'OUTPUT'],
          found.runs.map((run) => rowOf(run, now)),
        );
      }),
    );
}

/** Times are those of the clock of Redis, as `now`. */
function rowOf(run: RunView, now: number): string[] {
  const {
    runId,
    agentName,
    runner,
    status,
    waitingFor,
    waitReason,
    workerSilentSinceIso,
    hostProblem,
    host = '',
    pid,
    outputBytes,
  } = run;
  const elsewhere = workerSilentSinceIso
    ? `worker silent since ${workerSilentSinceIso}`
    : hostProblem && `host takes no runs: ${hostProblem.message}`;
  const remark = waitReason ?? (waitingFor ? `after ${waitingFor}` : elsewhere);
  const state = paintState(status) + (remark ? colors.dim(` ${plainText(remark)}`) : '');
  return [
    runId,
    agentName,
    runner,
    state,
    host,
    pid === undefined ? '' : String(pid),
    took(run, now),
    size(outputBytes),
  ];
}

function took({ startedAt, endedAt, queuedAt }: RunView, now: number): string {
  if (startedAt === undefined) return endedAt === undefined ? '' : duration(endedAt - queuedAt);
  return duration(Math.max(0, (endedAt ?? now) - startedAt));
}
