import { UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import type { Held } from '../shared/run-store/held-runs.js';
import type { Caller } from './caller.js';

/** Who submits much is counted anew at most this often (ms); meanwhile what comes is added to the count. */
const COUNT_EVERY_MS = 1_000;

type Counted = Pick<Held, 'queued' | 'queuedBytes'> & { readonly at: number };
const counts = new WeakMap<Pool, Map<string, Counted>>();

/** Throws a UserError when more runs, with these prompts, would be more than one principal may have queued. */
export async function checkShare({ pool, principal }: Caller, prompts: readonly string[]): Promise<void> {
  const counted = await countOf(pool, principal.name);
  const queued = counted.queued + prompts.length;
  const queuedBytes = counted.queuedBytes + prompts.reduce((sum, prompt) => sum + Buffer.byteLength(prompt), 0);
  const { maxQueuedRuns, maxQueuedBytes } = pool.config;
  const over =
    queued > maxQueuedRuns
      ? `${counted.queued} runs queued, and ${maxQueuedRuns} are allowed (AGENTPOOL_MAX_QUEUED_RUNS)`
      : queuedBytes > maxQueuedBytes
        ? `${counted.queuedBytes} bytes of prompts queued, and ${maxQueuedBytes} are allowed (AGENTPOOL_MAX_QUEUED_BYTES)`
        : undefined;
  if (over === undefined) {
    counts.get(pool)?.set(principal.name, { queued, queuedBytes, at: counted.at });
    return;
  }
  throw new UserError(
    'too_many_queued',
    `${principal.name} has ${over}`,
    'Wait until some have started, or kill some; the operator of this pool can raise the limit.',
  );
}

async function countOf(pool: Pool, principal: string): Promise<Counted> {
  const known = counts.get(pool) ?? new Map<string, Counted>();
  counts.set(pool, known);
  const now = performance.now();
  for (const [name, { at }] of known) if (now - at >= COUNT_EVERY_MS) known.delete(name);
  return known.get(principal) ?? { ...(await pool.runs.heldBy(principal)), at: now };
}
