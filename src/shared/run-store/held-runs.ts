import { inOrder } from '../redis/in-order.js';
import type { RunState } from '../run-state.js';
import type { StoreParts } from './parts.js';

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

/** Counts what a principal has queued and running. Takes a round trip for each 500 of them. */
export async function heldBy(parts: StoreParts, principal: string): Promise<Held> {
  const { redis, keysOf } = parts;
  const [queued, running] = await Promise.all([idsOf(parts, principal, 'queued'), idsOf(parts, principal, 'running')]);
  let queuedBytes = 0;
  for (let at = 0; at < queued.length; at += PAGE) {
    const asked = queued.slice(at, at + PAGE).map((id) => ['hget', keysOf(id).run, 'promptBytes']);
    const [answers = []] = await inOrder(redis, asked as never);
    for (const answer of answers) if (answer.status === 'fulfilled') queuedBytes += Number(answer.value ?? 0);
  }
  return { queued: queued.length, queuedBytes, running: running.length };
}
