import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import colors from 'picocolors';
import { followOutput } from '../client/follow.js';
import { CLIENT_TOKEN, HOST_NAME, RUN_LIMITS } from '../client/limits.js';
import { outputUri, viewOf } from '../client/run-view.js';
import { statusOf } from '../client/status.js';
import { submit } from '../client/submit.js';
import { adoptSession } from '../mcp/overmind/named-workspace.js';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { plainText } from '../shared/plain-text.js';
import { AGENT_NAME, WORD } from '../shared/run.js';
import { RUNNERS } from '../shared/runners/list.js';
import { openContext } from './context.js';
import { EXIT, exitOf } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { matching, milliseconds, wholeNumber } from './options.js';
import { note, paintState, print, printJson } from './print.js';
import { outputTo } from './show-output.js';
import { type LocalCaller, withPool } from './with-pool.js';

interface RunOptions {
  readonly follow: boolean;
  readonly json?: boolean;
  readonly raw?: boolean;
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
}

const agentName = matching(AGENT_NAME, 'have 1 to 64 letters, digits, dashes or underscores');
const word = matching(WORD, 'have 1 to 256 characters, without a dash first or control characters');

export function addRun(program: Command): void {
  program
    .command('run')
    .description('submit a run and follow it live; exits with its outcome')
    .argument('<runner>', `${RUNNERS.map(({ name }) => name).join(', ')}, another that a worker has, or a stored agent`)
    .argument('[prompt]', 'what to ask; - or nothing: read it from stdin')
    .option('--no-follow', 'print the run id and leave')
    .option('--agent <name>', 'a stored agent, or a name for the run, for follow-up commands and sessions', agentName)
    .option('--session <id>', 'resume this session of the agent program', word)
    .option('--auto-resume', 'resume the latest session of this agent name and runner')
    .option('--config <dir>', 'a workspace of overmind-mcp, for the session that is not known here')
    .option('--mode <mode>', 'a mode of the runner')
    .option('--path <directory>', 'the working directory on the worker')
    .option('--model <model>', 'the model', word)
    .option('--timeout <time>', 'end the run when it takes longer: ms, or 90s, 5m', milliseconds(RUN_LIMITS.timeoutMs))
    .option(
      '--silence-timeout <time>',
      'end the run when it prints nothing for so long',
      milliseconds(RUN_LIMITS.silenceTimeoutMs),
    )
    .option('--priority <n>', '0 goes first', wholeNumber(RUN_LIMITS.priority))
    .option('--delay <time>', 'do not start before so much time has passed', milliseconds(RUN_LIMITS.delayMs))
    .option(
      '--host <name>',
      'only this host may run it',
      matching(HOST_NAME, 'have 1 to 64 letters, digits, dots and dashes'),
    )
    .option(
      '--client-token <token>',
      'the same token never starts a second run',
      matching(CLIENT_TOKEN, 'have 1 to 256 characters'),
    )
    .option('--json', 'print data as JSON')
    .option('--raw', 'to a terminal, too, the output as it is: escape sequences can steer it')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool run claude "say hello" --agent greeter\n  git diff | agentpool run claude - --path "$PWD"',
    )
    .action(async (runner: string, prompt: string | undefined, options: RunOptions) => {
      process.exitCode = await run(runner, await promptFrom(prompt), options);
    });
}

async function promptFrom(given: string | undefined): Promise<string> {
  if (given !== undefined && given !== '-') return given;
  if (process.stdin.isTTY)
    throw new UserError('invalid_argument', 'there is no prompt', 'Give it as an argument, or by stdin.');
  return text(process.stdin);
}

async function run(name: string, prompt: string, options: RunOptions): Promise<number> {
  return withPool(async ({ pool, principal }) => {
    const signal = onInterrupt();
    const caller = { pool, principal, signal };
    const isAgent = options.agent === undefined && !pool.runners.has(name) && (await pool.agents.find(name));
    const submission = { prompt, ...omitUndefined(isAgent ? { agentName: name } : { runner: name }), ...said(options) };
    if (options.config !== undefined) await adoptSession(caller, resolve(options.config), submission);
    const { run: submitted, waitingFor, warning, queuePosition } = await submit(caller, submission);
    if (warning) note(colors.yellow(warning));
    if (waitingFor)
      note(colors.yellow(`Its session is in use: it starts by itself after run ${waitingFor} has ended.`));
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
  }, openContext('run'));
}

/** The options as a submission has them. */
function said({ agent, session, autoResume, mode, path, model, priority, host, clientToken, ...times }: RunOptions) {
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
  });
}

async function followToEnd(
  caller: LocalCaller & { signal: AbortSignal },
  runId: string,
  { json, raw }: RunOptions,
): Promise<number> {
  const { signal } = caller;
  const shown = outputTo(process.stdout, raw);
  for await (const part of followOutput(caller, { runId }, { live: true, ...shown.query }))
    if (!json) shown.write(part);
  if (signal.aborted) {
    note(`\nThe run goes on: agentpool logs -f ${runId}   (to end it: agentpool kill ${runId})`);
    return EXIT.interrupted;
  }
  const status = await statusOf(caller, { runId }, 0);
  if (json) printJson(status);
  else note(`${paintState(status.status)}${status.failure ? `: ${plainText(status.failure.message)}` : ''}`);
  return exitOf(status.status);
}
