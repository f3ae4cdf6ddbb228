import type { Command } from 'commander';
import { kill } from '../client/kill.js';
import { KILL_GRACE_MS, KILL_SIGNALS, type KillSignal } from '../shared/run.js';
import { EXIT } from './exit.js';
import { milliseconds, oneOf } from './options.js';
import { paintState, print, printJson } from './print.js';
import { RUN_ARGUMENT, withRun } from './with-pool.js';

interface Options {
  readonly signal: KillSignal;
  readonly grace: number;
  readonly reason?: string;
  readonly json?: boolean;
}

export function addKill(program: Command): void {
  program
    .command('kill')
    .description('end a run and all of its processes; a queued one never starts')
    .argument('<run>', RUN_ARGUMENT)
    .option('--signal <name>', KILL_SIGNALS.join(', '), oneOf(KILL_SIGNALS), 'TERM')
    .option('--grace <time>', 'between the signal and KILL: ms, or 10s', milliseconds({ most: 600_000 }), KILL_GRACE_MS)
    .option('--reason <text>', 'kept with the run')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool kill greeter --reason "wrong branch"')
    .action((name: string, { signal, grace, reason, json }: Options) =>
      withRun(name, async (caller, runId) => {
        const killed = await kill(caller, { runId }, { signal, graceMs: grace, reason });
        if (json) printJson(killed);
        else print(killed.pending ? `pending: ${killed.hint}` : paintState(killed.status));
        return killed.pending ? EXIT.unreachable : EXIT.ok;
      }),
    );
}
