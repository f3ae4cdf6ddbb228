import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Command } from 'commander';
import colors from 'picocolors';
import { duration, size } from '../shared/measures.js';
import { beginningOf } from '../shared/plain-text.js';
import { stopEmbeddedRedis } from '../shared/redis/embedded.js';
import { VERSION } from '../shared/version.js';
import { type Context, openContext, unmarked } from './context.js';
import { ensurePoolUp } from './ensure-pool.js';
import { endPoolProcess, ownCommand } from './pool-process.js';
import { paintState, print, printJson } from './print.js';
import { printTable } from './print-fitted.js';

type Facts = Record<string, unknown>;
type Ask = (name: string, args: Facts) => Promise<Facts>;

const say = (text: string) => print(`${colors.cyan('▸')} ${text}`);

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('show the main features in about 20 seconds, without an account or key')
    .option('--json', 'print the table as JSON')
    .addHelpText('after', '\nExample:\n  agentpool demo')
    .action(async (options: { json?: boolean }) => {
      process.exitCode = await demo(openContext('demo', { startedByProgram: true }), options.json ?? false);
    });
}

async function demo(context: Context, json: boolean): Promise<number> {
  const shared = context.config.redisUrl !== undefined;
  const pool = shared ? undefined : await ensurePoolUp(context, ['--port', '0']);
  if (!json)
    say(
      pool
        ? `${pool.started ? 'brought a pool up' : 'found a running pool'}: private Redis, one worker, ${pool.url}`
        : 'using the pool behind REDIS_URL',
    );
  const client = new Client({ name: 'agentpool-demo', version: VERSION });
  const { command, args } = ownCommand();
  const quiet = context.isSet('AGENTPOOL_LOG_LEVEL') ? {} : { AGENTPOOL_LOG_LEVEL: 'warn' };
  const env = { ...unmarked(context.env), ...quiet }; // what is called is shown below
  try {
    await client.connect(new StdioClientTransport({ command, args: [...args, 'mcp'], env, stderr: 'inherit' }));
    const ask: Ask = async (name, toolArgs) => {
      const answer = await client.callTool({ name, arguments: toolArgs });
      const body = answer.structuredContent as Facts;
      if (answer.isError) throw new Error(`${name}: ${String(body.message)}`);
      return body;
    };
    const ids = await play(ask, json);
    return await report(ask, ids, json);
  } finally {
    await client.close();
    if (pool?.started) {
      await endPoolProcess(context.config.home);
      await stopEmbeddedRedis(context.config.home);
    }
  }
}

/** Three runs: one followed live, one asked for what came after a moment, one killed. */
async function play(ask: Ask, json: boolean): Promise<string[]> {
  const tell = json ? () => {} : say;
  const submit = async (agentName: string, prompt: string) => {
    const { runId, pid } = await ask('run_agent', { runner: 'demo', agentName, prompt });
    tell(`run_agent          ${agentName.padEnd(7)} ${colors.dim(String(runId))}  pid ${String(pid ?? 'not yet')}`);
    return String(runId);
  };
  const writer = await submit('writer', 'write a haiku about queues');
  const tester = await submit('tester', 'test everything; lines 30 every 300');
  const doomed = await submit('doomed', 'never stop; lines 10000 every 100');

  tell(`stream_agent_output  following ${colors.bold('writer')} live:`);
  for (let cursor: string | undefined, complete = false; !complete; ) {
    const page: Facts = await ask('stream_agent_output', { runId: writer, waitMs: 20_000, ...(cursor && { cursor }) });
    if (!json)
      for (const line of String(page.output).trimEnd().split('\n'))
        if (line !== '') print(`    ${colors.dim('│')} ${line}`);
    cursor = String(page.nextCursor);
    complete = page.isComplete === true;
  }
  const seen = await ask('stream_agent_output', { runId: tester, tail: 5 });
  const since = Number(seen.lastTimestamp);
  const later = await ask('stream_agent_output', { runId: tester, sinceTimestamp: since, waitMs: 20_000 });
  tell(
    `stream_agent_output  ${colors.bold('tester')} after ${new Date(since).toISOString()}: ${JSON.stringify(later.output)}`,
  );
  const killed = await ask('kill_agent', { runId: doomed, reason: 'the demo shows it' });
  tell(`kill_agent         doomed  killed: ${String(killed.killed)}, pid ${String(killed.pid)} is gone`);
  const waited = await ask('wait_agent', { runIds: [writer, tester, doomed] });
  tell(`wait_agent         all have ended: ${String(!waited.timedOut)}`);
  return [writer, tester, doomed];
}

async function report(ask: Ask, ids: readonly string[], json: boolean): Promise<number> {
  const runs = await Promise.all(ids.map((runId) => ask('get_agent_status', { runId })));
  const asExpected = runs.map(({ status }) => status).join() === 'done,done,killed';
  if (json) printJson(runs);
  else {
    print('');
    printTable(
      [
        'RUN',
        'AGENT',
        { head: 'STATUS', paint: paintState },
        'PID',
        'EXIT',
        'TOOK',
        'OUTPUT',
        { head: 'RESULT', least: 12 },
      ],
      runs.map((run) => [
        String(run.runId),
        String(run.agentName),
        String(run.status),
        String(run.pid),
        String(run.exitCode ?? ''),
        duration(Number(run.endedAt) - Number(run.startedAt)),
        size(Number(run.outputBytes)),
        beginningOf(String(run.result ?? ''), 60),
      ]),
    );
    print('');
    say(
      asExpected
        ? 'Next: agentpool up, and one of the lines it prints connects your client.'
        : 'That was not as it should be: two done, one killed.',
    );
  }
  return asExpected ? 0 : 1;
}
