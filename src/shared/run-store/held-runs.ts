import type { RunState } from '../run-state.js';
import type { StoreParts } from './parts.js';
import { readFields } from './read-fields.js';

/** What a principal has in the pool at this moment. Like the indexes, it may lag. */
export interface Held {
  readonly queued: number;
  /** The prompts of those that are queued. */
  readonly queuedBytes: number;
  readonly running: number;
}

/** Ids that are looked at together. */
const PAGE = 500;

async function idsOf({ indexes }: StoreParts, principal: string, state: RunState): Promise<string[]> {
  const ids: string[] = [];
  if ((await indexes.count(state)) === 0) return ids;
  for await (const page of indexes.pages({ principal, state }, undefined, PAGE)) ids.push(...page.map(({ id }) => id));
  return ids;
}

/** How many runs of a principal are running. */
export const runningOf = async (parts: StoreParts, principal: string): Promise<number> =>
  (await idsOf(parts, principal, 'running')).length;

/** Counts what a principal has queued and running. Takes a round trip for some hundreds of them. */
export async function heldBy(parts: StoreParts, principal: string): Promise<Held> {
  const [queued, running] = await Promise.all([idsOf(parts, principal, 'queued'), idsOf(parts, principal, 'running')]);
  const prompts = await readFields(parts, queued, ['promptBytes']);
  const queuedBytes = prompts.reduce((sum, [bytes]) => sum + Number(bytes ?? 0), 0);
  return { queued: queued.length, queuedBytes, running: running.length };
}
