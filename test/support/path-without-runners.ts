import { accessSync, constants, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { RUNNERS } from '../../src/shared/runners/list.js';
import { removeDirectory } from './remove-directory.js';

const COMMANDS = new Set(RUNNERS.map(({ command }) => command).filter((command) => command !== 'node'));

const holds = (directory: string, name: string): boolean => {
  try {
    accessSync(join(directory, name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A directory of links to everything in another one but the agent programs; it goes with this process. */
function withoutRunners(directory: string): string {
  const links = mkdtempSync(join(tmpdir(), 'ap-path-'));
  process.once('exit', () => removeDirectory(links));
  for (const name of readdirSync(directory))
    if (!COMMANDS.has(name)) symlinkSync(join(directory, name), join(links, name));
  return links;
}

/**
 * The PATH of this machine without the agent programs that happen to be installed: what a test says about missing
 * programs must not depend on them.
 */
export const PATH_WITHOUT_RUNNERS = (process.env.PATH ?? '')
  .split(delimiter)
  .map((directory) => ([...COMMANDS].some((name) => holds(directory, name)) ? withoutRunners(directory) : directory))
  .join(delimiter);
