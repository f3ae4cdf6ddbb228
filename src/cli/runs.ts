import type { Command } from 'commander';
import colors from 'picocolors';
import { getAgentStatus } from '../mcp/tools/get-agent-status.js';
import { killAgent } from '../mcp/tools/kill-agent.js';
import { listRuns } from '../mcp/tools/list-runs.js';
import type { RunView } from '../mcp/tools/run-view.js';
import { findRunByName } from '../mcp/tools/which-run.js';
import { plainText } from '../shared/plain-text.js';
import { KILL_SIGNALS, type KillSignal } from '../shared/run.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { ask } from './ask.js';
import { openContext } from './context.js';
import { EXIT } from './exit.js';
import { followOutput } from './follow.js';
import { onInterrupt } from './interrupt.js';
import { wholeNumber } from './number.js';
import { duration, note, paintState, print, printJson, printTable, size } from './print.js';
import { outputTo } from './show-output.js';
import { parseSince } from './since.js';

export const NAME = 'the run: its id, a unique beginning of it, or an agent name (its latest run)';

/** Connects, finds the run that a person means, and hangs up afterwards. */
export async function withRun(
  name: string,
  action: (pool: Parameters<typeof ask>[0], runId: string) => Promise<number>,
): Promise<void> {
  const pool = await openContext('cli').connect('asking');
  try {
    await pool.ready();
    const { id } = await findRunByName(pool, name);
    process.exitCode = await action(pool, id);
  } finally {
    await pool.stop();
  }
}

function took({ startedAt, endedAt, queuedAt }: RunView): string {
  if (startedAt === undefined) return endedAt === undefined ? '' : duration(endedAt - queuedAt);
  return duration((endedAt ?? Date.now()) - startedAt);
}

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--agent <name>', 'only of this agent name')
    .option('--runner <name>', 'only with this runner')
    .option('--status <state>', `only in this state: ${RUN_STATES.join(', ')}`)
    .option('--host <name>', 'only on this host')
    .option('--since <time>', 'only queued since: 5m, an ISO time, or ms')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool runs --status running')
    .action(
      async (options: {
        agent?: string;
        runner?: string;
        status?: RunState;
        host?: string;
        since?: string;
        limit: number;
        json?: boolean;
      }) => {
        const pool = await openContext('cli').connect('asking');
        try {
          const { agent, runner, status, host, since, limit } = options;
          const found = await ask(pool, listRuns, {
            agentName: agent,
            runner,
            status,
            host,
            since: since && parseSince(since),
            limit,
          } as never);
          if (options.json) return printJson(found);
          const rows = found.runs.map((run) => [
            run.runId,
            run.agentName,
            run.runner,
            paintState(run.status) + (run.waitingFor ? colors.dim(` after ${run.waitingFor}`) : ''),
            run.host ?? '',
            run.pid === undefined ? '' : String(run.pid),
            took(run),
            size(run.outputBytes),
          ]);
          printTable(['RUN', 'AGENT', 'RUNNER', 'STATUS', 'HOST', 'PID', 'TOOK', 'OUTPUT'], rows);
        } finally {
          await pool.stop();
        }
      },
    );
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('all that is known about a run')
    .argument('<run>', NAME)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool status greeter')
    .action((name: string, options: { json?: boolean }) =>
      withRun(name, async (pool, runId) => {
        const status = await ask(pool, getAgentStatus, { runId });
        if (options.json) {
          printJson(status);
          return 0;
        }
        const { outputTail, result, failure, usage, status: state, ...facts } = status;
        const shown = Object.entries(facts).filter(([name]) => !(`${name}Iso` in facts));
        print(
          `${colors.bold(runId)}  ${paintState(state)}${failure ? `: ${plainText(failure.message)} (${failure.kind})` : ''}`,
        );
        for (const [name, value] of shown)
          if (name !== 'runId')
            print(`  ${colors.dim(name.replace(/Iso$/, '').padEnd(15))} ${plainText(String(value))}`);
        if (usage) print(`  ${colors.dim('usage'.padEnd(15))} ${JSON.stringify(usage)}`);
        if (result) print(`\n${colors.dim('result')}\n${plainText(result)}`);
        else if (outputTail) print(`\n${colors.dim('end of the output')}\n${outputTail}`);
        return 0;
      }),
    );
}

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description('the output of a run')
    .argument('<run>', NAME)
    .option('-f, --follow', 'go on until the run ends')
    .option('--since <time>', 'only what came after: 5m, an ISO time, or ms')
    .option('--tail <bytes>', 'only the end', wholeNumber)
    .option('--stream <name>', 'stdout, stderr, or both', 'both')
    .option('--json', 'print pages of output as JSON, one a line')
    .option('--raw', 'to a terminal, too, the output as it is: escape sequences can steer it')
    .addHelpText('after', '\nExample:\n  agentpool logs -f greeter --since 5m')
    .action(
      (
        name: string,
        options: { follow?: boolean; since?: string; tail?: number; stream: string; json?: boolean; raw?: boolean },
      ) =>
        withRun(name, async (pool, runId) => {
          const signal = onInterrupt();
          const shown = outputTo(process.stdout, options.raw);
          const query = {
            runId,
            stream: options.stream as 'both',
            ...(!options.json && shown.query),
            ...(options.since !== undefined && { sinceTimestamp: parseSince(options.since) }),
            ...(options.tail !== undefined && { tail: options.tail }),
          };
          await followOutput(pool, query, options.follow ?? false, signal, (page) => {
            if (options.json) return print(JSON.stringify(page));
            if (page.droppedBytes > 0)
              note(colors.yellow(`[${page.droppedBytes} bytes before this are not kept any more]`));
            shown.write(page);
          });
          if (!signal.aborted) return EXIT.ok;
          note(`\nThe run goes on: agentpool logs -f ${runId}`);
          return EXIT.interrupted;
        }),
    );
}

export function addKill(program: Command): void {
  program
    .command('kill')
    .description('end a run and all of its processes; a queued one never starts')
    .argument('<run>', NAME)
    .option('--signal <name>', KILL_SIGNALS.join(', '), 'TERM')
    .option('--grace <ms>', 'between the signal and KILL', wholeNumber, 5_000)
    .option('--reason <text>', 'kept with the run')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool kill greeter --reason "wrong branch"')
    .action((name: string, options: { signal: KillSignal; grace: number; reason?: string; json?: boolean }) =>
      withRun(name, async (pool, runId) => {
        const { signal, grace, reason } = options;
        const killed = await ask(pool, killAgent, { runId, signal, graceMs: grace, reason } as never);
        if (options.json) printJson(killed);
        else print(killed.pending ? `pending: ${killed.hint}` : paintState(killed.status));
        return killed.pending ? EXIT.unreachable : EXIT.ok;
      }),
    );
}
