import type { Command } from 'commander';
import { type Cordoned, cordon, drain, uncordon } from '../client/cordon.js';
import { counted } from '../shared/measures.js';
import { EXIT } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { milliseconds } from './options.js';
import { note, print, printJson } from './print.js';
import { startProgress } from './progress.js';
import { withPool } from './with-pool.js';

const WORKER = 'a host, which means all of its workers, or the id of one worker (agentpool workers --json)';
const DAY_MS = 86_400_000;

export function addCordon(program: Command): void {
  program
    .command('cordon')
    .description(
      'make a worker or a host take no new runs; running ones go on; it also applies to a worker started there later',
    )
    .argument('<worker>', WORKER)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool cordon build-7')
    .action((name: string, { json }: { json?: boolean }) =>
      withPool(async (caller) => show(await cordon(caller, name), 'takes no new runs', json)),
    );
}

export function addUncordon(program: Command): void {
  program
    .command('uncordon')
    .description('let a worker or a host take runs again')
    .argument('<worker>', WORKER)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool uncordon build-7')
    .action((name: string, { json }: { json?: boolean }) =>
      withPool(async (caller) => show(await uncordon(caller, name), 'takes runs again', json)),
    );
}

export function addDrain(program: Command): void {
  program
    .command('drain')
    .description('cordon a worker or a host, and wait until its runs have ended; ends no run itself')
    .argument('<worker>', WORKER)
    .option('--timeout <time>', 'wait no longer than this: ms, or 90s, 5m', milliseconds({ most: DAY_MS }), DAY_MS)
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExits with 1 when runs are left.\n\nExample:\n  agentpool drain build-7 --timeout 1h && reboot',
    )
    .action((name: string, { timeout, json }: { timeout: number; json?: boolean }) =>
      withPool(async (caller) => {
        const signal = onInterrupt();
        const line = startProgress();
        const drained = await drain({ ...caller, signal, progress: line.show }, name, timeout).finally(line.stop);
        const { running, timedOut } = drained;
        show(drained, timedOut ? `takes no new runs; ${counted(running, 'run')} still there` : 'has no runs', json, {
          running,
          timedOut,
        });
        if (timedOut) process.exitCode = EXIT.runFailed;
      }),
    );
}

function show({ name, workers, deaf }: Cordoned, words: string, json: boolean | undefined, more = {}): void {
  if (json)
    printJson({ name, workers: workers.map(({ id, host, running }) => ({ id, host, running })), deaf, ...more });
  else print(`${name} ${words}${workers.length === 0 ? '; no worker of it is alive' : ''}`);
  for (const id of deaf) note(`worker ${id} did not answer; it does this with its next heartbeat, if its release can`);
}
