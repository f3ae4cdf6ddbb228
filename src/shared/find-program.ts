import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** A program on PATH, of which only absolute entries count; undefined when it is not found. `node` is the Node that runs us. */
export function findProgram(command: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (command === 'node') return process.execPath;
  const candidates = isAbsolute(command)
    ? [command]
    : (env.PATH ?? '')
        .split(delimiter)
        .filter(isAbsolute)
        .map((dir) => join(dir, command));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}
