import { sep } from 'node:path';

/** Whether a path is one of the directories or lies below one; both real and absolute. */
export function isWithin(path: string, directories: readonly string[]): boolean {
  return directories.some(
    (directory) => path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep),
  );
}
