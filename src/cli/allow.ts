import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { allowDirectory, allowedDirectories, disallowDirectory, realPathOf } from '../shared/allowed-directories.js';
import { UserError } from '../shared/errors.js';
import { openContext } from './context.js';
import { print, printJson } from './print.js';

interface Options {
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function addAllow(program: Command): void {
  program
    .command('allow')
    .description(
      'let runs work in a directory of this host, besides AGENTPOOL_ALLOWED_PATHS; without one: print the list',
    )
    .argument('[directory]', 'the directory, with all that is in it')
    .option('--remove', 'stop allowing it')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nIt is for the workers of this AGENTPOOL_HOME, at once, and for everybody who may submit runs.\n\nExample:\n  agentpool allow ~/projects/web',
    )
    .action(allow);
}

function allow(given: string | undefined, { remove, json }: Options): void {
  const { home } = openContext('allow').config;
  if (given === undefined) {
    if (remove)
      throw new UserError('invalid_argument', '--remove needs a directory', 'agentpool allow prints the list.');
    list(allowedDirectories(home), json);
    return;
  }
  if (remove) {
    const directory = realPathOf(given) ?? given; // what is gone can be taken back by the name in the list
    const removed = disallowDirectory(home, directory);
    if (json) printJson({ directory, removed });
    else
      print(
        removed
          ? `${directory} is allowed no more: no run starts there from now on`
          : `${directory} was not in the list`,
      );
    return;
  }
  const directory = realDirectory(given);
  const added = allowDirectory(home, directory);
  if (json) printJson({ directory, added });
  else print(`${directory} is ${added ? 'allowed now' : 'allowed already'}`);
}

function list(directories: readonly string[], json: boolean | undefined): void {
  if (json) printJson(directories);
  else print(directories.length === 0 ? 'no directory was allowed by agentpool allow' : directories.join('\n'));
}

function realDirectory(given: string): string {
  const real = realPathOf(given);
  if (real === undefined || !statSync(real).isDirectory())
    throw new UserError('invalid_argument', `${given} is not a directory`, 'Name one that exists.');
  return real;
}
