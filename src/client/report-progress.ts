import { beginningOf, textOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { Run } from '../shared/run.js';
import { isEnded, RUN_STATES } from '../shared/run-state.js';
import type { Caller } from './caller.js';
import { waitingForAll, waitingInWords } from './waiting-for.js';

/** The first progress comes at once, then one in this time (ms); clients give up between 30 s and 5 min of silence. */
const PROGRESS_EVERY_MS = 5_000;
/** Of more runs than this, only those that still go on are described one by one, and no more of them. */
const MOST_DESCRIBED = 5;
const LAST_LINE_BYTES = 512;
const LAST_LINE_CHARS = 160;

/** Tells a waiting caller what these runs do, so that it neither gives up nor shows an empty line. */
export function startReporting({ pool, progress }: Caller, ids: readonly string[]): { stop(): void } {
  if (!progress) return { stop: () => {} };
  let stopped = false;
  const report = async () => {
    const message = await describe(pool, ids);
    if (!stopped) progress(message); // after the answer nobody may be told any more
  };
  const tellOutage = (error: unknown) => {
    const fault = asUnreachable(error);
    if (fault && !stopped) progress(`${fault.message}; the wait goes on`);
  };
  const quietly = () => void report().catch(tellOutage);
  quietly();
  const timer = setInterval(quietly, PROGRESS_EVERY_MS);
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}

async function describe(pool: Pool, ids: readonly string[]): Promise<string> {
  const found = await Promise.all(ids.map((id) => pool.runs.get(id)));
  const runs = found.filter((run) => run !== undefined);
  const described = runs.length > 1 ? runs.filter(({ state }) => !isEnded(state)) : runs;
  const lines = await Promise.all(described.slice(0, MOST_DESCRIBED).map((run) => describeOne(pool, run)));
  return [...(runs.length > 1 ? [countsOf(runs)] : []), ...lines].join('\n');
}

/** `3 runs: 1 running, 2 done` */
function countsOf(runs: readonly Run[]): string {
  const counts = RUN_STATES.map((state) => ({ state, count: runs.filter((run) => run.state === state).length }));
  const some = counts.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`);
  return `${runs.length} runs: ${some.join(', ')}`;
}

/** `tester: running, 12 lines, the last line that it printed` */
async function describeOne(pool: Pool, run: Run): Promise<string> {
  const { id, agentName, state, lines } = run;
  const waiting = (await waitingForAll(pool, [run]))(run);
  if (waiting) return `${agentName}: ${state}, ${waitingInWords(waiting)}`;
  const tail = await pool.runs.tail(id, LAST_LINE_BYTES, undefined);
  const last = textOf(tail.bytes, false).trim().split('\n').at(-1) ?? '';
  return `${agentName}: ${state}, ${lines} ${lines === 1 ? 'line' : 'lines'}${last === '' ? '' : `, ${beginningOf(last, LAST_LINE_CHARS)}`}`;
}
