import { type Command, Option } from 'commander';
import { type Authenticate, openAuthentication } from '../http/authenticate.js';
import { allows } from '../shared/principal.js';
import { checkDescriptors } from '../worker/host/descriptors.js';
import { startWorker } from '../worker/start.js';
import { type Context, openContext } from './context.js';
import { aborted, onInterruptOrOrphaned } from './interrupt.js';
import { openLocalAccess } from './local-token.js';
import { print } from './print.js';
import { openServiceManager } from './service-manager.js';

/** A stop that waits for Redis is cut off after this (ms); nothing is lost by it. */
const STOP_WITHIN_MS = 8_000;

/** Whether a request may read the metrics, as for a server: with a token that has the scope metrics, or that of AGENTPOOL_HOME. */
function mayScrape({ config, logger }: Context): (authorization: string | undefined) => Promise<number> {
  let authenticate: Authenticate | undefined;
  return async (authorization) => {
    authenticate ??= openAuthentication(config, logger, openLocalAccess(config.home).token);
    const who = await authenticate(authorization, 'http://worker');
    if (who instanceof Response) return who.status;
    return allows(who, 'metrics') ? 200 : 403;
  };
}

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('only a worker; on SIGTERM it leaves its programs to the next worker of this host')
    .option('--runners <names>', 'only these runners, separated by commas')
    .option('--concurrency <n>', 'runs at once: a number, or claude=2,gemini=4')
    .option('--host <name>', 'the name of this host in the pool')
    .option('--drain', 'on SIGTERM, wait until the running runs have ended')
    .option('--json', 'print who it is as JSON, once it is ready')
    .addOption(new Option('--with-parent').hideHelp())
    .addHelpText('after', '\nExample:\n  agentpool worker --runners claude,demo --concurrency 4')
    .action(
      async (options: {
        runners?: string;
        concurrency?: string;
        host?: string;
        drain?: boolean;
        json?: boolean;
        withParent?: boolean;
      }) => {
        const signal = onInterruptOrOrphaned(options.withParent);
        const context = openContext('worker', {
          overrides: {
            AGENTPOOL_RUNNERS: options.runners,
            AGENTPOOL_CONCURRENCY: options.concurrency,
            AGENTPOOL_HOST_NAME: options.host,
            AGENTPOOL_STOP_MODE: options.drain ? 'drain' : undefined,
          },
          quiet: options.withParent,
        });
        const pool = await context.connect('working');
        const start = async () => {
          checkDescriptors(pool);
          return startWorker(pool, context.variables(), mayScrape(context));
        };
        const worker = await start().catch(async (error: unknown) => {
          await pool.stop();
          throw error;
        });
        const manager = openServiceManager(context.env, context.logger);
        manager?.ready();
        const watching = manager?.watch(worker.look);
        const { id, host, runners, healthAt } = worker;
        print(
          options.json
            ? JSON.stringify({ id, host, runners, healthAt })
            : `worker ${id} is ready: ${runners.join(', ')}`,
        );
        await aborted(signal);
        manager?.stopping();
        if (context.config.stopMode === 'detach') setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
        await worker.stop(); // as long as a drain takes, we are watched
        watching?.stop();
        await pool.stop();
        process.exit(0); // programs that go on must not keep us
      },
    );
}
