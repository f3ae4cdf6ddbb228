import type { Command } from 'commander';
import { serveStdio } from '../mcp/stdio.js';
import { openContext } from './context.js';
import { ensurePoolUp } from './pool-process.js';

export function addMcp(program: Command): void {
  program
    .command('mcp')
    .description(
      'the MCP server on stdio, for a client to start; without REDIS_URL it brings a pool up in the background',
    )
    .addHelpText('after', '\nExample:\n  claude mcp add agentpool -- agentpool mcp')
    .action(async () => {
      const context = openContext('mcp', { startedByProgram: true });
      if (!context.config.redisUrl) await ensurePoolUp(context);
      const pool = await context.connect('asking');
      await serveStdio(pool);
      await pool.stop();
      process.exit(0);
    });
}
