import type { Command } from 'commander';
import { serveStdio } from '../mcp/stdio.js';
import { lookOnceATurn } from '../shared/by-turn.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Pool } from '../shared/pool.js';
import { type Context, openContext } from './context.js';
import { openedFor } from './opened.js';
import { otherPoolsInWords } from './other-pools.js';
import { readPoolProcess } from './pool-process.js';

export function addMcp(program: Command): void {
  program
    .command('mcp')
    .description(
      'the MCP server on stdio, for a client to start; without REDIS_URL it brings a pool up in the background',
    )
    .addHelpText('after', '\nExample:\n  claude mcp add agentpool -- agentpool mcp')
    .action(async () => {
      const context = openContext('mcp', { startedByProgram: true });
      const { config, logger } = context;
      const opening = openLater(context);
      const { pool } = opening;
      const directoryOf = openedFor(context);
      const notice = config.redisUrl ? undefined : otherPoolsInWords(config.home, context.env);
      const onAnswered = () => void pool().catch(() => {});
      const poolUrl = lookOnceATurn((home) => readPoolProcess(home)?.url);
      const pageOf = async (runId: string) => {
        const url = poolUrl(config.home);
        return url && new URL(`/runs/${runId}`, url).href;
      };
      await serveStdio({ config, logger, pool, directoryOf, onAnswered, pageOf, ...omitUndefined({ notice }) });
      await opening.stop();
      process.exit(0);
    });
}

/** The pool, started and connected to at the first request, and again after a failure. */
function openLater(context: Context) {
  let opening: Promise<Pool> | undefined;
  let opened: Pool | undefined;
  const open = async () => {
    if (!context.config.redisUrl && !readPoolProcess(context.config.home)) {
      const { ensurePoolUp } = await import('./ensure-pool.js');
      // It is everybody's, and this directory is only ours.
      const own = context.isSet('AGENTPOOL_ALLOWED_PATHS') ? {} : { AGENTPOOL_ALLOWED_PATHS: '[]' };
      await ensurePoolUp(context, [], own);
    }
    opened = await context.connect('asking');
    return opened;
  };
  return {
    pool(): Promise<Pool> {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        context.logger.error({ err: error }, 'the pool did not start');
        throw error;
      });
      return opening;
    },
    /** A pool that is still coming up goes on with that by itself. */
    async stop(): Promise<void> {
      await opened?.stop();
    },
  };
}
