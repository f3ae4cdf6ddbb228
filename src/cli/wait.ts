import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type WaitedView, waitFor } from '../client/wait.js';
import { messageOf, UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import type { Failure } from '../shared/run.js';
import { openContext } from './context.js';
import { EXIT } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { milliseconds } from './options.js';
import { note, paintState, print, printJson } from './print.js';
import { startProgress } from './progress.js';
import { runIdsIn, wakingWords } from './wake.js';
import { RUNS_ARGUMENT, withPool, withRuns } from './with-pool.js';

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
    .description('wait for the end of runs; exits with their outcome, 0 when all are done')
    .argument('[runs...]', RUNS_ARGUMENT)
    .option(
      '--timeout <time>',
      'wait no longer than this: ms, or 90s, 5m; 15m, or 1d with --hook',
      milliseconds({ most: DAY_MS }),
    )
    .option('--json', 'print data as JSON')
    .option('--hook', 'as an asynchronous PostToolUse hook of Claude Code: wakes its model when the run has ended')
    .addHelpText('after', '\nExample:\n  agentpool wait greeter && echo it worked')
    .action(async (names: string[], options: Options) => {
      if (options.hook) process.exitCode = await waitAsHook(options.timeout ?? DAY_MS);
      else if (names.length > 0) await wait(names, options);
      else throw new UserError('invalid_argument', 'no run is named', `Give ${RUNS_ARGUMENT}.`);
    });
}

async function wait(names: readonly string[], options: Options): Promise<void> {
  await withRuns(names, async (caller, runIds) => {
    const signal = onInterrupt();
    const progress = startProgress();
    const waiting = { ...caller, signal, progress: progress.show };
    const timeoutMs = options.timeout ?? WAIT_MS;
    const waited = await waitFor(waiting, runIds, 'all', timeoutMs).finally(progress.stop);
    const { views, timedOut } = waited;
    const [only] = views;
    if (views.length === 1 && only) showOne(only, timedOut, options.json);
    else if (options.json) printJson({ runs: views, timedOut });
    else for (const { runId, agentName, status, failure } of views) print(lineOf(runId, agentName, status, failure));
    if (timedOut) note(`What has not ended goes on: agentpool wait ${runIds.join(' ')}`);
    if (signal.aborted) return EXIT.interrupted;
    return views.every(({ status }) => status === 'done') ? EXIT.ok : EXIT.runFailed;
  });
}

const lineOf = (runId: string, agentName: string, status: string, failure: Failure | undefined) =>
  `${runId}  ${agentName}  ${paintState(status)}${failure ? `: ${plainText(failure.message)}` : ''}`;

function showOne(waited: WaitedView, timedOut: boolean, json: boolean | undefined): void {
  if (json) printJson({ ...waited, timedOut });
  else if (waited.result !== undefined) print(plainText(waited.result));
  if (waited.workerSilentSinceIso) note(`Its worker has been silent since ${waited.workerSilentSinceIso}.`);
  if (!timedOut) note(`${paintState(waited.status)}${waited.failure ? `: ${plainText(waited.failure.message)}` : ''}`);
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
