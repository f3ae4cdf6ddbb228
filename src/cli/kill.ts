import type { Command } from 'commander';
import colors from 'picocolors';
import { type Killed, kill } from '../client/kill.js';
import { KILL_GRACE_MS, KILL_SIGNALS, type KillSignal } from '../shared/run.js';
import { EXIT } from './exit.js';
import { milliseconds, oneOf } from './options.js';
import { note, paintState, print, printJson } from './print.js';
import { RUNS_ARGUMENT, withRuns } from './with-pool.js';

interface Options {
  readonly signal: KillSignal;
  readonly grace: number;
  readonly reason?: string;
  readonly json?: boolean;
}

export function addKill(program: Command): void {
  program
    .command('kill')
    .description('end runs and all of their processes; a queued one never starts')
    .argument('<runs...>', RUNS_ARGUMENT)
    .option('--signal <name>', KILL_SIGNALS.join(', '), oneOf(KILL_SIGNALS), 'TERM')
    .option(
      '--grace <time>',
      'time between the signal and KILL: ms, or 10s',
      milliseconds({ most: 600_000 }),
      KILL_GRACE_MS,
    )
    .option('--reason <text>', 'a reason, which is kept with the run')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool kill greeter --reason "wrong branch"\n  agentpool kill $(agentpool runs -q --status queued)',
    )
    .action((names: string[], { signal, grace, reason, json }: Options) =>
      withRuns(names, async (caller, runIds) => {
        const options = { signal, graceMs: grace, reason };
        const killed = await Promise.all(runIds.map((runId) => kill(caller, { runId }, options)));
        if (json) printJson(killed.length === 1 ? killed[0] : killed);
        else for (const one of killed) print(`${killed.length === 1 ? '' : `${one.runId}  `}${outcomeOf(one)}`);
        if (!json) for (const one of killed) if (hadEnded(one)) note(colors.dim(`run ${one.runId} had ended before`));
        return killed.some(({ pending }) => pending) ? EXIT.unreachable : EXIT.ok;
      }),
    );
}

/** Then there was nothing to kill. */
const hadEnded = ({ killed, pending }: Killed) => !killed && !pending;
const outcomeOf = ({ pending, hint, status }: Killed) => (pending ? `pending: ${hint}` : paintState(status));
