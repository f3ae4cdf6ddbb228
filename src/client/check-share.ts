import { UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import type { Caller } from './caller.js';

/** A count is taken for a second, and a principal with thousands of runs is counted for no more than a twentieth of the time (ms). */
const COUNT_EVERY_MS = 1_000;
const MOST_SHARE = 0.05;

/** What a principal has queued, as it was counted; what comes meanwhile is added. */
interface Count {
  queued: number;
  queuedBytes: number;
  readonly at: number;
  readonly tookMs: number;
}
/** By principal, of each pool: one count for all who ask while it is made. */
const counts = new WeakMap<Pool, Map<string, Counting>>();
interface Counting {
  readonly count: Promise<Count>;
  /** When another one may begin (`performance.now()`); nobody begins one while it is made. */
  until: number;
}

/** Throws a UserError when more runs, with these prompts, would be more than one principal may have queued. */
export async function checkShare({ pool, principal }: Caller, prompts: readonly string[]): Promise<void> {
  const bytes = prompts.reduce((sum, prompt) => sum + Buffer.byteLength(prompt), 0);
  const { maxQueuedRuns, maxQueuedBytes } = pool.config;
  const fits = ({ queued, queuedBytes }: Count) =>
    queued + prompts.length <= maxQueuedRuns && queuedBytes + bytes <= maxQueuedBytes;
  let count = await countOf(pool, principal.name);
  // Some may have been started since: nobody is refused for what was counted long ago.
  if (!fits(count)) count = await countOf(pool, principal.name, count.at + COUNT_EVERY_MS);
  if (fits(count)) {
    count.queued += prompts.length;
    count.queuedBytes += bytes;
    return;
  }
  const over =
    count.queued + prompts.length > maxQueuedRuns
      ? `${count.queued} runs queued, and ${maxQueuedRuns} are allowed (AGENTPOOL_MAX_QUEUED_RUNS)`
      : `${count.queuedBytes} bytes of prompts queued, and ${maxQueuedBytes} are allowed (AGENTPOOL_MAX_QUEUED_BYTES)`;
  throw new UserError(
    'too_many_queued',
    `${principal.name} has ${over}`,
    'Wait until some have started, or kill some; the operator of this pool can raise the limit.',
  );
}

/** The count of a principal; a new one when the last is old, or when it is past `until` (`performance.now()`). */
function countOf(pool: Pool, principal: string, until = Number.POSITIVE_INFINITY): Promise<Count> {
  const known = counts.get(pool) ?? new Map<string, Counting>();
  counts.set(pool, known);
  const now = performance.now();
  for (const [name, counting] of known) if (now >= counting.until) known.delete(name);
  const there = known.get(principal);
  if (there && (now < until || there.until === Number.POSITIVE_INFINITY)) return there.count;
  const counting: Counting = { count: counted(pool, principal), until: Number.POSITIVE_INFINITY };
  known.set(principal, counting);
  counting.count.then(
    ({ at, tookMs }) => {
      counting.until = at + Math.max(COUNT_EVERY_MS, tookMs / MOST_SHARE);
    },
    () => {
      if (known.get(principal) === counting) known.delete(principal);
    },
  );
  return counting.count;
}

async function counted(pool: Pool, principal: string): Promise<Count> {
  const begunAt = performance.now();
  const { queued, queuedBytes } = await pool.runs.heldBy(principal);
  const at = performance.now();
  return { queued, queuedBytes, at, tookMs: at - begunAt };
}
