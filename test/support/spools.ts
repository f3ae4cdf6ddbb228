import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Place } from './pool.js';

/** What is in a directory that may go while it is looked at, in full; links are not followed. */
function within(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(directory, name));
  } catch (error) {
    if (!existsSync(directory)) return [];
    throw error;
  }
}

/** The spools of all runs of a place: those of every pool and host, but not what is being removed. */
export function spoolsOf({ home }: Pick<Place, 'home'>): string[] {
  return within(join(home, 'spool'))
    .flatMap(within)
    .flatMap(within)
    .filter((spool) => !basename(spool).startsWith('.'));
}

/** The spool of a run; undefined when it has gone. */
export const spoolOfRun = (place: Pick<Place, 'home'>, runId: string): string | undefined =>
  spoolsOf(place).find((spool) => basename(spool) === runId);
