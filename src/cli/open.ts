import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { UserError } from '../shared/errors.js';
import { findProgram } from '../shared/find-program.js';
import { openContext } from './context.js';
import { EXIT } from './exit.js';
import { loginLink } from './local-token.js';
import { readPoolProcess } from './pool-process.js';
import { print, printJson } from './print.js';
import { RUN_ARGUMENT, withRun } from './with-pool.js';

/** What opens an address in the browser of a person, by platform. */
const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open' };

export function addOpen(program: Command): void {
  program
    .command('open')
    .description('open the page of a run in your browser; without a browser, print its address')
    .argument('<run>', RUN_ARGUMENT)
    .option('--print', 'only print the address, which lets one browser in, once')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool open greeter')
    .action((name: string, options: { print?: boolean; json?: boolean }) =>
      withRun(name, async (_caller, runId) => {
        const { config, env } = openContext('cli', { quiet: true });
        const url = readPoolProcess(config.home)?.url;
        if (url === undefined)
          throw new UserError('no_link', 'no server of this AGENTPOOL_HOME is up', 'Start one: agentpool up --detach.');
        const page = new URL(`/runs/${runId}`, url);
        const link = loginLink(url, config);
        const address = link === undefined ? page.href : `${link}?to=${encodeURIComponent(page.pathname)}`;
        if (options.json) printJson({ url: page.href, link: address });
        else if (options.print || !openInBrowser(address, env)) print(address);
        return EXIT.ok;
      }),
    );
}

/** Whether there is something that opens it; a machine without a screen has nothing. */
function openInBrowser(address: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const isHeadless = process.platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY;
  const opener = isHeadless ? undefined : findProgram(OPENERS[process.platform] ?? '', env);
  if (!opener || !process.stdout.isTTY) return false;
  spawn(opener, [address], { detached: true, stdio: 'ignore' }).unref();
  return true;
}
