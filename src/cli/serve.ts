import { type Command, Option } from 'commander';
import { createBoard } from '../board/create.js';
import { waitingByReason } from '../client/waiting-by-reason.js';
import { startHttp } from '../http/start.js';
import { openMcpHttp } from '../mcp/http.js';
import { openContext } from './context.js';
import { aborted, onInterruptOrOrphaned } from './interrupt.js';
import { loginLink, openLocalAccess } from './local-token.js';
import { print } from './print.js';
import { openServiceManager } from './service-manager.js';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description(
      'the HTTP server alone: MCP at /mcp, overview at /, Bull Board at /queues, /metrics, /healthz, /readyz',
    )
    .option('--port <n>', 'the port; 0 picks a free one')
    .option('--json', 'print the address as JSON')
    .addOption(new Option('--with-parent').hideHelp())
    .addHelpText('after', '\nExample:\n  agentpool serve --port 8080')
    .action(async (options: { port?: string; json?: boolean; withParent?: boolean }) => {
      const signal = onInterruptOrOrphaned(options.withParent);
      const context = openContext('serve', { overrides: { AGENTPOOL_PORT: options.port }, quiet: options.withParent });
      const access = openLocalAccess(context.config.home);
      const pool = await context.connect('asking');
      const rooms = { mcp: openMcpHttp(pool), board: createBoard(pool), waiting: waitingByReason };
      const http = await startHttp(pool, rooms, access).catch(async (error: unknown) => {
        await pool.stop();
        throw error;
      });
      const manager = openServiceManager(context.env, context.logger);
      manager?.ready();
      const watching = manager?.watch(async () => {
        const problem = await pool.redisProblem(); // which a restart does not help
        return { live: [], ready: problem === undefined ? [] : [problem] };
      });
      const link = loginLink(http.url, context.config);
      if (options.json) print(JSON.stringify({ url: http.url, ...(link !== undefined && { link }) }));
      else print(`listening on ${http.url}${link === undefined ? '' : `\nfor a browser, once: ${link}`}`);
      await aborted(signal);
      manager?.stopping();
      watching?.stop();
      await http.stop();
      await pool.stop();
      process.exit(0); // the pipe to a parent must not keep us
    });
}
