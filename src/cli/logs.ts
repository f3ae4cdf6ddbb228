import { type Command, Option } from 'commander';
import colors from 'picocolors';
import { findRun } from '../client/find-run.js';
import { followOutput } from '../client/follow.js';
import { hasTranscript } from '../client/read-transcript.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { linesIn } from '../shared/transcript/readable.js';
import { EXIT } from './exit.js';
import { showTranscript } from './follow-transcript.js';
import { onInterrupt } from './interrupt.js';
import { oneOf, wholeNumber } from './options.js';
import { note } from './print.js';
import { outputTo } from './show-output.js';
import { parseSince, sinceOption } from './since.js';
import { type LocalCaller, RUN_ARGUMENT, withRun } from './with-pool.js';

const STREAMS = ['both', 'stdout', 'stderr'] as const;

interface Options {
  readonly follow?: boolean;
  readonly since?: number;
  readonly until?: number;
  readonly lines?: number;
  readonly timestamps?: boolean;
  readonly stderr?: boolean;
  readonly tailBytes?: number;
  readonly stream: (typeof STREAMS)[number];
  readonly json?: boolean;
  readonly raw?: boolean;
}

/** As it is given: times are read when the clock of Redis is known. */
interface Given extends Omit<Options, 'since' | 'until'> {
  readonly tail?: number;
  readonly since?: string;
  readonly until?: string;
}

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description('what the agent of a run says and does, or what its program prints')
    .argument('<run>', RUN_ARGUMENT)
    .option('-f, --follow', 'continue until the run ends')
    .option('--since <time>', 'only what came after: 5m, an ISO time, or ms', sinceOption)
    .option('--until <time>', 'only what came before', sinceOption)
    .option('-n, --lines <n>', 'only the last lines', wholeNumber({ least: 1, most: 100_000 }))
    .addOption(new Option('--tail <n>', 'as --lines').argParser(wholeNumber({ least: 1, most: 100_000 })).hideHelp())
    .option('-t, --timestamps', 'print before each line when it was printed')
    .option('--stderr', 'also what the agent program prints on stderr')
    .option('--tail-bytes <n>', 'only the end, in bytes', wholeNumber({ least: 1, most: 1_048_576 }))
    .option('--stream <name>', 'stdout, stderr, or both', oneOf(STREAMS), 'both')
    .option('--json', 'print events as JSON, one a line')
    .option('--raw', 'print the output unchanged even to a terminal, which its escape sequences can control')
    .addHelpText('after', '\nExample:\n  agentpool logs -f greeter --since 5m')
    .action((name: string, { since, until: before, tail, lines: last = tail, ...given }: Given) =>
      withRun(name, async (caller, runId) => {
        const signal = onInterrupt();
        const now = await caller.pool.runs.now();
        const at = (text: string | undefined) => (text === undefined ? undefined : parseSince(text, now));
        const options: Options = { ...given, ...omitUndefined({ since: at(since), until: at(before), lines: last }) };
        const { until, lines, timestamps, json, raw } = options;
        const wantsEvents = json || timestamps || lines !== undefined || until !== undefined;
        const isTranscript = !raw && (wantsEvents || hasTranscript(caller.pool, await findRun(caller, { runId })));
        await (isTranscript ? showEvents : showOutput)({ ...caller, signal }, runId, options);
        if (!signal.aborted) return EXIT.ok;
        note(`\nThe run goes on: agentpool logs -f ${runId}`);
        return EXIT.interrupted;
      }),
    );
}

type Looking = LocalCaller & { readonly signal: AbortSignal };

async function showEvents(caller: Looking, runId: string, options: Options): Promise<void> {
  const { follow: live = false, since: sinceTimestamp, stream, lines, tailBytes, ...style } = options;
  const tail = sinceTimestamp === undefined ? lines : undefined;
  const stderr = style.stderr || stream === 'stderr';
  const counting = style.json ? {} : { linesIn };
  const request = {
    live,
    stream,
    lines,
    ...style,
    stderr,
    ...counting,
    ...omitUndefined({ sinceTimestamp, tail, tailBytes }),
  };
  (await showTranscript(caller, runId, request)).hasShown(undefined);
}

async function showOutput(caller: Looking, runId: string, options: Options): Promise<void> {
  const { follow: live = false, since: sinceTimestamp, lines: tail, tailBytes, stream, raw } = options;
  const shown = outputTo(process.stdout, raw);
  const wanted = { live, stream, ...shown.query, ...omitUndefined({ sinceTimestamp, tail, tailBytes }) };
  let silentSince: number | undefined;
  for await (const part of followOutput(caller, { runId }, wanted)) {
    if (part.droppedBytes > 0) note(colors.yellow(`[${part.droppedBytes} bytes before this are not kept any more]`));
    shown.write(part);
    if (part.workerSilentSince !== silentSince && part.workerSilentSinceIso)
      note(colors.yellow(`[its worker has been silent since ${part.workerSilentSinceIso}; output may be missing]`));
    silentSince = part.workerSilentSince;
  }
}
