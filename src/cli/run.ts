import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import colors from 'picocolors';
import { getAgentStatus } from '../mcp/tools/get-agent-status.js';
import { runAgent } from '../mcp/tools/run-agent.js';
import { UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import { RUNNERS } from '../shared/runners/list.js';
import { ask, exitOf } from './ask.js';
import { openContext } from './context.js';
import { EXIT } from './exit.js';
import { followOutput } from './follow.js';
import { onInterrupt } from './interrupt.js';
import { wholeNumber } from './number.js';
import { note, paintState, print, printJson } from './print.js';
import { outputTo } from './show-output.js';

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

export function addRun(program: Command): void {
  program
    .command('run')
    .description('submit a run and follow it live; exits with its outcome')
    .argument('<runner>', `${RUNNERS.map(({ name }) => name).join(', ')}, another that a worker has, or a stored agent`)
    .argument('[prompt]', 'what to ask; - or nothing: read it from stdin')
    .option('--no-follow', 'print the run id and leave')
    .option('--agent <name>', 'a stored agent, or a name for the run, for follow-up commands and sessions')
    .option('--session <id>', 'resume this session of the agent program')
    .option('--auto-resume', 'resume the latest session of this agent name and runner')
    .option('--config <dir>', 'a workspace of overmind-mcp, for the session that is not known here')
    .option('--mode <mode>', 'a mode of the runner')
    .option('--path <directory>', 'the working directory on the worker')
    .option('--model <model>', 'the model')
    .option('--timeout <ms>', 'end the run when it takes longer', wholeNumber)
    .option('--silence-timeout <ms>', 'end the run when it prints nothing for so long', wholeNumber)
    .option('--priority <n>', '0 goes first', wholeNumber)
    .option('--delay <ms>', 'do not start before so much time has passed', wholeNumber)
    .option('--host <name>', 'only this host may run it')
    .option('--client-token <token>', 'the same token never starts a second run')
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

async function run(runner: string, prompt: string, options: RunOptions): Promise<number> {
  const pool = await openContext('run').connect('asking');
  const signal = onInterrupt();
  try {
    const isAgent = options.agent === undefined && !pool.runners.has(runner) && (await pool.agents.find(runner));
    const asked = {
      runner: isAgent ? undefined : runner,
      prompt,
      agentName: isAgent ? runner : options.agent,
      sessionId: options.session,
      autoResume: options.autoResume,
      config: options.config === undefined ? undefined : resolve(options.config),
      mode: options.mode,
      path: options.path === undefined ? undefined : resolve(options.path),
      model: options.model,
      timeoutMs: options.timeout,
      silenceTimeoutMs: options.silenceTimeout,
      priority: options.priority,
      delayMs: options.delay,
      host: options.host,
      clientToken: options.clientToken,
    };
    const submitted = await ask(pool, runAgent, asked);
    for (const word of [submitted.warning, submitted.hint]) if (word) note(colors.yellow(word));
    if (!options.follow) {
      if (options.json) printJson(submitted);
      else print(submitted.runId);
      return 0;
    }
    note(colors.dim(`run ${submitted.runId}`));
    return await followToEnd(pool, submitted.runId, options, signal);
  } finally {
    await pool.stop();
  }
}

async function followToEnd(pool: Pool, runId: string, { json, raw }: RunOptions, signal: AbortSignal): Promise<number> {
  const shown = outputTo(process.stdout, raw);
  await followOutput(pool, { runId, ...shown.query }, true, signal, (page) => {
    if (!json) shown.write(page);
  });
  if (signal.aborted) {
    note(`\nThe run goes on: agentpool logs -f ${runId}   (to end it: agentpool kill ${runId})`);
    return EXIT.interrupted;
  }
  const status = await ask(pool, getAgentStatus, { runId, tailBytes: 0 });
  if (json) printJson(status);
  else note(`${paintState(status.status)}${status.failure ? `: ${plainText(status.failure.message)}` : ''}`);
  return exitOf(status.status);
}
