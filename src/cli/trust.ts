import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkedConfig } from '../shared/config/load.js';
import { settingsIn } from '../shared/config/names.js';
import { CONFIG_FILE, type DirectoryFiles, ENV_FILE, filesOf, readSources } from '../shared/config/sources.js';
import { UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import { readFileIfThere } from './context.js';
import { note, print, printJson } from './print.js';
import { distrustDirectory, trustDirectory, trustedDirectories } from './trusted.js';

interface Options {
  readonly remove?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

export function addTrust(program: Command): void {
  program
    .command('trust')
    .description(`take ${ENV_FILE} and ${CONFIG_FILE} of a directory as configuration for commands run there`)
    .argument('[directory]', 'by default the working directory')
    .option('--remove', 'stop trusting it')
    .option('--list', 'print the trusted directories')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nWhen one of the files changes, it has to be trusted again. agentpool mcp never reads them.\n\nExample:\n  agentpool trust',
    )
    .action((directory: string | undefined, options: Options) => trust(directory ?? '.', options));
}

function trust(given: string, { remove, list, json }: Options): void {
  const { env } = process;
  if (list) {
    const directories = Object.keys(trustedDirectories(env)).sort();
    if (json) printJson(directories);
    else print(directories.length === 0 ? 'no directory is trusted' : directories.join('\n'));
    return;
  }
  const directory = realDirectory(given);
  if (remove) {
    const removed = distrustDirectory(directory, env);
    if (json) printJson({ directory, removed });
    else print(removed ? `${directory} is trusted no more` : `${directory} was not trusted`);
    return;
  }
  const files = filesOf(directory, readFileIfThere);
  const contents = contentsOf(files);
  trustDirectory(files, env);
  if (json) printJson({ directory, ...contents });
  else {
    print(`${directory} is trusted as it is now`);
    for (const line of contents.settings) note(`  setting  ${line}`);
    for (const line of contents.runners) note(`  runner   ${plainText(line)}`);
  }
}

/** What the files would do, so that the user sees what they are going to trust. Throws what is wrong in them. */
function contentsOf(files: DirectoryFiles): { settings: string[]; runners: string[] } {
  if (files.env === undefined && files.config === undefined)
    throw new UserError(
      'nothing_to_trust',
      `${files.directory} has neither ${ENV_FILE} nor ${CONFIG_FILE}`,
      'Name the directory that has the configuration.',
    );
  const surroundings = { env: { HOME: '/nonexistent' }, cwd: files.directory, readFile: readFileIfThere };
  const sources = readSources({ ...surroundings, trust: () => 'trusted' });
  const ownConfig = new Map([...sources.configFiles].filter(([path]) => path === join(files.directory, CONFIG_FILE)));
  const { customRunners } = checkedConfig({ ...sources, configFiles: ownConfig }, surroundings);
  return {
    settings: Object.keys(settingsIn(files.env ?? '').taken),
    runners: Object.entries(customRunners).map(([name, { command, args }]) => [`${name}:`, command, ...args].join(' ')),
  };
}

function realDirectory(given: string): string {
  try {
    return realpathSync(given);
  } catch {
    throw new UserError('invalid_argument', `${given} is not a directory`, 'Name one that exists.');
  }
}
