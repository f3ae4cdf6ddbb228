import type { Caller } from '../client/caller.js';
import { findRunByName } from '../client/find-run.js';
import { LOCAL } from '../shared/principal.js';
import { type Context, openContext } from './context.js';

/** The caller of a subcommand: the user who starts our processes on this machine. */
export type LocalCaller = Pick<Caller, 'pool' | 'principal'>;

/** Connects, does something with the pool, and hangs up afterwards. */
export async function withPool<Value>(
  action: (caller: LocalCaller) => Promise<Value>,
  context: Context = openContext('cli'),
): Promise<Value> {
  const pool = await context.connect('asking');
  try {
    await pool.ready();
    return await action({ pool, principal: LOCAL });
  } finally {
    await pool.stop();
  }
}

/** What the argument `<run>` of a subcommand is. */
export const RUN_ARGUMENT = 'the run: its id, a unique beginning of it, or an agent name (its latest run)';

/** What the argument `<runs...>` of a subcommand is. */
export const RUNS_ARGUMENT = 'the runs: ids, unique beginnings of them, or agent names (their latest runs)';

/** Does something with the runs that a person means, each once, and exits with what it answers. */
export async function withRuns(
  names: readonly string[],
  action: (caller: LocalCaller, runIds: readonly string[]) => Promise<number>,
): Promise<void> {
  process.exitCode = await withPool(async (caller) => {
    const runs = await Promise.all(names.map((name) => findRunByName(caller, name)));
    return action(caller, [...new Set(runs.map(({ id }) => id))]);
  });
}

/** Does something with the run that a person means, and exits with what it answers. */
export async function withRun(
  name: string,
  action: (caller: LocalCaller, runId: string) => Promise<number>,
): Promise<void> {
  process.exitCode = await withPool(async (caller) => action(caller, (await findRunByName(caller, name)).id));
}
