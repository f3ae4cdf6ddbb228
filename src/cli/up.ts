import type { Command } from 'commander';
import colors from 'picocolors';
import { privateDirectory } from '../shared/config/home.js';
import { stopEmbeddedRedis } from '../shared/redis/embedded.js';
import { EndedChildError, keepRunning } from './child.js';
import { connectLines, serverEnv } from './connect-lines.js';
import { type Context, openContext, unmarked } from './context.js';
import { ensurePoolUp, logOfPool, STARTING } from './ensure-pool.js';
import { EXIT } from './exit.js';
import { aborted, onInterrupt } from './interrupt.js';
import { loginLink } from './local-token.js';
import { isForPeople } from './log-form.js';
import { forgetPool, notePool, otherPoolsInWords } from './other-pools.js';
import { endPoolProcess, forgetPoolProcess, readPoolProcess, writePoolProcess } from './pool-process.js';
import { note, print, printJson } from './print.js';
import { startProgress } from './progress.js';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('everything on this machine, in the foreground: private Redis, one worker, the HTTP server')
    .option('--port <n>', 'the port of the HTTP server; 0 picks a free one')
    .option('--detach', 'run in the background, with the log in up.log in AGENTPOOL_HOME; agentpool down ends it')
    .option('--json', 'print the address as JSON')
    .addHelpText('after', '\nExample:\n  agentpool up --detach && agentpool run demo "say hello"')
    .action(async (options: { port?: string; detach?: boolean; json?: boolean }) => {
      const signal = onInterrupt();
      const context = openContext('up', { overrides: { AGENTPOOL_PORT: options.port } });
      const running = readPoolProcess(context.config.home);
      if (running || options.detach) {
        const portArgs = options.port === undefined ? [] : ['--port', options.port];
        const { url, started } = running ? { ...running, started: false } : await ensurePoolUp(context, portArgs);
        const link = loginLink(url, context.config);
        sayOthers(context);
        welcome(
          { url, link },
          started
            ? `The pool runs in the background, and logs to ${logOfPool(context.config.home)}; agentpool down ends it.`
            : `A pool runs already; in the background it logs to ${logOfPool(context.config.home)}.`,
          options.json,
          context.config,
        );
        return;
      }
      await up(context, signal, options);
    });
}

export function addDown(program: Command): void {
  program
    .command('down')
    .description(
      'end what up has started, and the private Redis; programs that run go on and are found again by the next up',
    )
    .addHelpText('after', '\nExample:\n  agentpool down')
    .action(async () => {
      const { config } = openContext('down');
      const ended = await endPoolProcess(config.home);
      const stopped = config.redisUrl ? false : await stopEmbeddedRedis(config.home);
      print(ended || stopped ? 'the pool is down' : 'no pool was running');
    });
}

/** Two pools are easily taken for one. */
function sayOthers({ config, env }: Context): void {
  const words = otherPoolsInWords(config.home, env);
  if (words !== undefined) note(colors.yellow(words));
}

interface Entrance {
  readonly url: string;
  /** Absent if AGENTPOOL_TOKENS or an issuer decides who has access. */
  readonly link?: string | undefined;
}

async function up(context: Context, signal: AbortSignal, options: { port?: string; json?: boolean }): Promise<void> {
  const { config, env, logger } = context;
  privateDirectory(config.home);
  const progress = startProgress();
  progress.show(STARTING);
  await context.redis().finally(progress.stop); // started once, before the two processes ask for it
  const logFormat = isForPeople(config.logFormat) ? 'pretty' : config.logFormat; // our terminal, though they have a pipe
  const childEnv = { ...unmarked(env), AGENTPOOL_LOG_FORMAT: logFormat };
  const worker = keepRunning(['worker', '--json'], childEnv, logger);
  const server = await startServer(childEnv, config.port, context.isSet('AGENTPOOL_PORT'), logger);
  progress.show(STARTING);
  try {
    const [line] = await Promise.all([server.ready, worker.ready]).finally(progress.stop);
    const { url, link } = JSON.parse(line) as Entrance;
    writePoolProcess(config.home, url);
    notePool(config.home, env);
    sayOthers(context);
    welcome(
      { url, link },
      'Ctrl-C ends it; programs that run go on and are found again by the next up.',
      options.json,
      config,
    );
    await aborted(signal);
  } catch (error) {
    throw error instanceof EndedChildError ? error.asOwn() : error;
  } finally {
    forgetPoolProcess(config.home);
    forgetPool(config.home, env);
    await Promise.all([worker.stop(), server.stop()]);
    if (!config.redisUrl) await stopEmbeddedRedis(config.home);
  }
}

/** The default port may be taken by another pool of this machine; then any free one will do. */
async function startServer(env: Record<string, string>, port: number, chosen: boolean, logger: Context['logger']) {
  const first = keepRunning(['serve', '--json', '--port', String(port)], env, logger);
  if (chosen) return first;
  const taken = await first.ready.then(
    () => false,
    (error: unknown) => error instanceof EndedChildError && error.exitCode === EXIT.portTaken,
  );
  if (!taken) return first;
  note(`port ${port} is taken; using a free one`);
  return keepRunning(['serve', '--json', '--port', '0'], env, logger);
}

function welcome({ url, link }: Entrance, ending: string, json: boolean | undefined, config: Context['config']): void {
  if (json) {
    printJson({ url, ...(link !== undefined && { link }) });
    return;
  }
  print(`${colors.green('agentpool is up')}  ${url}`);
  if (link !== undefined) print(`for a browser, once: ${colors.bold(link)}`);
  print('');
  for (const { client, line } of connectLines(serverEnv(config))) print(`  ${colors.dim(client.padEnd(12))} ${line}`);
  print('');
  print(colors.dim(ending));
}
