import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import colors from 'picocolors';
import { findRun } from '../client/find-run.js';
import { followOutput } from '../client/follow.js';
import { CLIENT_TOKEN, HOST_NAME, RUN_LIMITS } from '../client/limits.js';
import { hasTranscript } from '../client/read-transcript.js';
import { outputUri, viewOf } from '../client/run-view.js';
import { type RunStatus, statusOf } from '../client/status.js';
import { type Submitted, submit, warningOf } from '../client/submit.js';
import { waitingInWords } from '../client/waiting-for.js';
import { adoptSession } from '../mcp/overmind/named-workspace.js';
import { UserError } from '../shared/errors.js';
import { duration } from '../shared/measures.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { plainText } from '../shared/plain-text.js';
import { AGENT_NAME, type Labels, WORD } from '../shared/run.js';
import { RUNNERS } from '../shared/runners/list.js';
import type { ChangedFile } from '../shared/transcript/changed-files.js';
import { fileInWords, usageInWords } from '../shared/transcript/readable.js';
import { openContext } from './context.js';
import { EXIT, exitOf } from './exit.js';
import { showTranscript } from './follow-transcript.js';
import { onInterrupt } from './interrupt.js';
import { LABEL_FLAGS, labelOption } from './label-option.js';
import { withLocalTimes } from './local-time.js';
import { openedFor } from './opened.js';
import { matching, milliseconds, wholeNumber } from './options.js';
import { note, paintState, print, printJson, widthOf } from './print.js';
import { REQUIRES_FLAGS, requiresOption } from './requires-option.js';
import { outputTo } from './show-output.js';
import { foldWords } from './table.js';
import { startWaitingLine } from './waiting-line.js';
import { type LocalCaller, withPool } from './with-pool.js';

/** How a run is followed. */
interface ShowOptions {
  readonly follow: boolean;
  readonly json?: boolean;
  readonly raw?: boolean;
  readonly timestamps?: boolean;
  readonly stderr?: boolean;
}

interface RunOptions extends ShowOptions {
  readonly agent?: string;
  readonly session?: string;
  readonly autoResume?: boolean;
  readonly config?: string;
  readonly mode?: string;
  readonly path?: string;
  readonly model?: string;
  readonly timeout?: number;
  readonly silenceTimeout?: number;
  readonly priority?: number;
  readonly delay?: number;
  readonly host?: string;
  readonly clientToken?: string;
  readonly label?: Labels;
  readonly requires?: readonly string[];
}

const agentName = matching(AGENT_NAME, 'have 1 to 64 letters, digits, dashes or underscores');
const word = matching(WORD, 'have 1 to 256 characters, without a dash first or control characters');

export function addRun(program: Command): void {
  program
    .command('run')
    .description('submit a run and follow it live; exits with its outcome')
    .argument('<runner>', `${RUNNERS.map(({ name }) => name).join(', ')}, another that a worker has, or a stored agent`)
    .argument('[prompt]', 'what to ask; - or nothing: read it from stdin')
    .option('--no-follow', 'print the run id and exit')
    .option('--agent <name>', 'a stored agent, or a name for the run, for follow-up commands and sessions', agentName)
    .option('--session <id>', 'resume this session of the agent program', word)
    .option('--auto-resume', 'resume the latest session of this agent name and runner')
    .option('--config <dir>', 'a workspace of overmind-mcp, for a session that is not known here')
    .option('--mode <mode>', 'a mode of the runner')
    .option(
      '--path <directory>',
      'the working directory on the worker; by default this one, on other hosts that of the worker',
    )
    .option('--model <model>', 'the model', word)
    .option('--timeout <time>', 'end the run when it takes longer: ms, or 90s, 5m', milliseconds(RUN_LIMITS.timeoutMs))
    .option(
      '--silence-timeout <time>',
      'end the run when it prints nothing for so long',
      milliseconds(RUN_LIMITS.silenceTimeoutMs),
    )
    .option(LABEL_FLAGS, 'a label to find the run by, such as ticket=4711 (repeatable)', labelOption)
    .option('--priority <n>', 'order among your own runs; 0 goes first', wholeNumber(RUN_LIMITS.priority))
    .option('--delay <time>', 'do not start before this much time has passed', milliseconds(RUN_LIMITS.delayMs))
    .option(
      '--host <name>',
      'only this host may run it',
      matching(HOST_NAME, 'have 1 to 64 letters, digits, dots and dashes'),
    )
    .option(REQUIRES_FLAGS, 'only a worker with this label, such as gpu or repo=web (repeatable)', requiresOption)
    .option(
      '--client-token <token>',
      'the same token never starts a second run',
      matching(CLIENT_TOKEN, 'have 1 to 256 characters'),
    )
    .option('-t, --timestamps', 'print before each line when it was printed')
    .option('--stderr', 'also what the agent program prints on stderr')
    .option('--json', 'print data as JSON')
    .option('--raw', 'print the output unchanged even to a terminal, which its escape sequences can control')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool run claude "say hello" --agent greeter\n  git diff | agentpool run claude -',
    )
    .action(async (runner: string, prompt: string | undefined, options: RunOptions) => {
      process.exitCode = await run(runner, await promptFrom(prompt), options);
    });
}

/** The prompt that is given, or what stdin says. Throws a UserError where both are empty. */
export async function promptFrom(given: string | undefined): Promise<string> {
  if (given !== undefined && given !== '-') return given;
  if (process.stdin.isTTY)
    throw new UserError('invalid_argument', 'there is no prompt', 'Give it as an argument, or by stdin.');
  return text(process.stdin);
}

async function run(name: string, prompt: string, options: RunOptions): Promise<number> {
  const context = openContext('run');
  return withPool(async ({ pool, principal }) => {
    const signal = onInterrupt();
    const directory = async () => openedFor(context)();
    const caller = { pool, principal, signal, directory };
    const isAgent = options.agent === undefined && !pool.runners.has(name) && (await pool.agents.find(name));
    const submission = { prompt, ...omitUndefined(isAgent ? { agentName: name } : { runner: name }), ...said(options) };
    if (options.config !== undefined) await adoptSession(caller, resolve(options.config), submission);
    return followSubmitted(caller, await submit(caller, submission), options);
  }, context);
}

/** Says what became of a submission, and follows it to its end where that is wanted; answers the exit code. */
export async function followSubmitted(
  caller: LocalCaller & { signal: AbortSignal },
  submission: Submitted,
  options: ShowOptions,
): Promise<number> {
  const { run: submitted, waitingFor, queuePosition } = submission;
  const warning = warningOf(submission, 'queued');
  if (warning) note(colors.yellow(warning));
  if (waitingFor && !warning) note(colors.yellow(withLocalTimes(waitingInWords(waitingFor))));
  if (!options.follow) {
    if (options.json)
      printJson({
        ...viewOf(submitted),
        outputUri: outputUri(submitted.id),
        ...omitUndefined({ queuePosition, waitingFor, warning }),
      });
    else print(submitted.id);
    return EXIT.ok;
  }
  note(colors.dim(`run ${submitted.id}`));
  return followToEnd(caller, submitted.id, options);
}

/** The options as a submission has them. */
function said({
  agent,
  session,
  autoResume,
  mode,
  path,
  model,
  priority,
  host,
  clientToken,
  label,
  requires,
  ...times
}: RunOptions) {
  return omitUndefined({
    agentName: agent,
    sessionId: session,
    autoResume,
    mode,
    path: path === undefined ? undefined : resolve(path),
    model,
    timeoutMs: times.timeout,
    silenceTimeoutMs: times.silenceTimeout,
    priority,
    delayMs: times.delay,
    host,
    clientToken,
    labels: label,
    requires,
  });
}

async function followToEnd(
  caller: LocalCaller & { signal: AbortSignal },
  runId: string,
  options: ShowOptions,
): Promise<number> {
  const { signal } = caller;
  const { json, timestamps, stderr } = options;
  const isTranscript =
    !json && !options.raw && (timestamps || hasTranscript(caller.pool, await findRun(caller, { runId })));
  const seen = isTranscript
    ? await showTranscript(caller, runId, { live: true, timestamps, stderr })
    : await showOutput(caller, runId, options);
  if (signal.aborted) {
    note(`\nThe run goes on: agentpool logs -f ${runId}   (to end it: agentpool kill ${runId})`);
    return EXIT.interrupted;
  }
  const status = await statusOf(caller, { runId }, 0);
  if (json) printJson(status);
  else showEnd(status, seen);
  return exitOf(status.status);
}

async function showOutput(caller: LocalCaller, runId: string, { json, raw }: ShowOptions): Promise<undefined> {
  const shown = outputTo(process.stdout, raw);
  const waiting = json ? undefined : startWaitingLine(caller, runId, () => '');
  try {
    for await (const part of followOutput(caller, { runId }, { live: true, ...shown.query })) {
      waiting?.clear();
      if (part.output !== '') waiting?.stop(); // a program that prints text may be within a line
      if (!json) shown.write(part);
    }
  } finally {
    waiting?.stop();
  }
}

interface Seen {
  readonly files: readonly ChangedFile[];
  readonly hasShown: (result: string | undefined) => boolean;
}

/** The answer, where it was not among what the agent said last; then how the run ended, what it took and what it changed. */
function showEnd({ status, failure, result, usage, startedAt, endedAt }: RunStatus, seen: Seen | undefined): void {
  if (seen && !seen.hasShown(result) && result !== undefined) print(result);
  const files = seen?.files ?? [];
  const facts = [
    startedAt === undefined || endedAt === undefined ? '' : duration(endedAt - startedAt),
    usageInWords(usage ?? {}),
    files.length === 0 ? '' : `${files.length} ${files.length === 1 ? 'file' : 'files'} changed`,
  ].filter(Boolean);
  const why = failure ? `: ${plainText(failure.message)}` : '';
  // Folded where the terminal is narrow; each line has its colours by itself.
  const spent = facts.length > 0 ? ` (${facts.join(', ')})` : '';
  const [first = '', ...rest] = foldWords(`${status}${why}${spent}`, widthOf(process.stderr));
  const dim = (line: string) => (failure ? line : colors.dim(line));
  note([paintState(status) + dim(first.slice(status.length)), ...rest.map(dim)].join('\n'));
  for (const file of files) note(`  ${fileInWords(file)}`);
}
