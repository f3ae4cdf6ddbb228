import type { Command } from 'commander';
import { reloadWorkers } from '../client/reload.js';
import { EXIT } from './exit.js';
import { print, printJson } from './print.js';
import { withPool } from './with-pool.js';

export function addReload(program: Command): void {
  program
    .command('reload')
    .description(
      'make every worker look now for programs that were installed or removed; they also do so by themselves',
    )
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExits with 69 when no worker answers.\n\nExample:\n  npm install -g @openai/codex && agentpool reload',
    )
    .action(async ({ json }: { json?: boolean }) => {
      const answers = await withPool(reloadWorkers);
      const shown = answers.map(({ worker: { id, host, runners }, reloaded }) => ({ id, host, reloaded, runners }));
      if (json) printJson(shown);
      else if (shown.length === 0) print('no worker is alive; start one: agentpool up --detach');
      for (const { host, id, reloaded, runners } of json ? [] : shown)
        print(`${host}: ${reloaded ? runners.map(({ name }) => name).join(', ') : `worker ${id} did not answer`}`);
      process.exitCode = shown.some(({ reloaded }) => reloaded) ? EXIT.ok : EXIT.unreachable;
    });
}
