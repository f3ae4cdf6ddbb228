import type { Command } from 'commander';
import { lookAtHost, removedInWords, removeHost } from '../client/remove-host.js';
import { print, printJson } from './print.js';
import { withPool } from './with-pool.js';

export function addRemoveHost(program: Command): void {
  program
    .command('remove-host')
    .description(
      'forget a host that is gone for good: runs that wait for it are killed, runs that it had are failed (lost)',
    )
    .argument('<host>', 'a host without a living worker')
    .option('--dry-run', 'only say what would happen to its runs')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool remove-host build-7 --dry-run')
    .action((host: string, { dryRun = false, json }: { dryRun?: boolean; json?: boolean }) =>
      withPool(async (caller) => {
        const removed = await (dryRun ? lookAtHost : removeHost)(caller, host);
        if (json) return printJson({ ...removed, dryRun });
        const what = dryRun ? `${host} is still there` : `${host} is removed`;
        print(`${what}: ${removedInWords(removed, dryRun ? 'be' : 'were')}`);
      }),
    );
}
