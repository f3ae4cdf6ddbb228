import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { waitFor } from '../client/wait.js';
import { messageOf, UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import { openContext } from './context.js';
import { EXIT, exitOf } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { milliseconds } from './options.js';
import { note, paintState, print, printJson } from './print.js';
import { startProgress } from './progress.js';
import { runIdsIn, wakingWords } from './wake.js';
import { RUN_ARGUMENT, withPool, withRun } from './with-pool.js';

interface Options {
  readonly timeout?: number;
  readonly json?: boolean;
  readonly hook?: boolean;
}

/** Whoever waits at a terminal, and a hook that nobody looks at (ms). */
const WAIT_MS = 900_000;
const DAY_MS = 86_400_000;
/** With this exit code an asynchronous hook of Claude Code wakes the model and tells it what is on stderr. */
const WAKES = 2;

export function addWait(program: Command): void {
  program
    .command('wait')
    .description('wait for the end of a run; exits with its outcome')
    .argument('[run]', RUN_ARGUMENT)
    .option(
      '--timeout <time>',
      'wait no longer than this: ms, or 90s, 5m; 15m, or 1d with --hook',
      milliseconds({ most: DAY_MS }),
    )
    .option('--json', 'print data as JSON')
    .option('--hook', 'as an asynchronous PostToolUse hook of Claude Code: wakes its model when the run has ended')
    .addHelpText('after', '\nExample:\n  agentpool wait greeter && echo it worked')
    .action(async (name: string | undefined, options: Options) => {
      if (options.hook) process.exitCode = await waitAsHook(options.timeout ?? DAY_MS);
      else if (name !== undefined) await wait(name, options);
      else throw new UserError('invalid_argument', 'no run is named', `Give ${RUN_ARGUMENT}.`);
    });
}

async function wait(name: string, options: Options): Promise<void> {
  await withRun(name, async (caller, runId) => {
    const signal = onInterrupt();
    const progress = startProgress();
    const waiting = { ...caller, signal, progress: (_: number, message: string) => progress.show(message) };
    const timeoutMs = options.timeout ?? WAIT_MS;
    const { deciding, timedOut } = await waitFor(waiting, { runId }, 'all', timeoutMs).finally(progress.stop);
    const waited = { ...deciding, timedOut };
    if (options.json) printJson(waited);
    else if (waited.result !== undefined) print(plainText(waited.result));
    if (waited.workerSilentSinceIso) note(`Its worker has been silent since ${waited.workerSilentSinceIso}.`);
    if (waited.timedOut) note(`The run goes on: agentpool wait ${runId}`);
    else note(`${paintState(waited.status)}${waited.failure ? `: ${plainText(waited.failure.message)}` : ''}`);
    if (signal.aborted) return EXIT.interrupted;
    return exitOf(waited.status);
  });
}

/** Reads what Claude Code gives a hook, waits for the runs in it, and answers with the exit code. */
async function waitAsHook(timeoutMs: number): Promise<number> {
  try {
    const runIds = runIdsIn(JSON.parse(await text(process.stdin)));
    if (runIds.length === 0) return EXIT.ok;
    const signal = onInterrupt();
    const { views } = await withPool(
      (caller) => waitFor({ ...caller, signal }, runIds, 'all', timeoutMs),
      openContext('cli', { startedByProgram: true }),
    );
    note(wakingWords(views));
    return WAKES;
  } catch (error) {
    // Any other exit code than the one that wakes: the person sees this, the model does not.
    note(`agentpool: ${messageOf(error)}`);
    return EXIT.runFailed;
  }
}
