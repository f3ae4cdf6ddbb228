import type { Caller } from '../client/caller.js';
import { type ErrorBody, UnreachableError } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import { allows, type Principal, type Scope } from '../shared/principal.js';
import { errorBody, scopeError } from './call.js';

/** Who asks, of a pool that may still be coming up. */
export interface Asker {
  readonly principal: Principal;
  /** The pool, once it is up. Rejects with why it cannot be; whoever asks again has it tried again. */
  readonly pool: () => Promise<Pool>;
  readonly logger: Logger;
}

/** What was refused to whoever asked for something that is not a tool. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(readonly body: ErrorBody) {
    super(body.message);
  }
}

/** How long somebody waits for a pool that comes up (ms): less than most clients wait for an answer. */
const POOL_WITHIN_MS = 45_000;
/** How often whoever waits hears of it (ms). */
const TELL_EVERY_MS = 5_000;

/** The pool for a call, which is told of the waiting. Throws an UnreachableError when it takes longer than 45 s. */
export async function poolFor(
  { pool }: Pick<Asker, 'pool'>,
  { progress }: Pick<Caller, 'progress'> = {},
): Promise<Pool> {
  const isUp = await Promise.race([pool(), undefined]);
  if (isUp) return isUp;
  const tell = () => progress?.('the pool is coming up: Redis, a worker, the HTTP server');
  const timers: NodeJS.Timeout[] = [];
  const tooLong = new Promise<never>((_, reject) => {
    const error = () =>
      reject(new UnreachableError('the pool is still coming up', 'Nothing was done. Call again in some seconds.'));
    timers.push(setTimeout(error, POOL_WITHIN_MS), setInterval(tell, TELL_EVERY_MS), setTimeout(tell, 250));
  });
  try {
    return await Promise.race([pool(), tooLong]);
  } finally {
    timers.forEach(clearTimeout);
  }
}

/** Asks the pool for a client, with the scope that `what` needs. Throws a RefusedError for whatever goes wrong. */
export async function ask<Value>(
  asker: Asker,
  scope: Scope,
  what: string,
  action: (caller: Pick<Caller, 'pool' | 'principal'>) => Promise<Value>,
): Promise<Value> {
  const { principal, logger } = asker;
  if (!allows(principal, scope)) throw new RefusedError(scopeError(what, scope, principal));
  try {
    const pool = await poolFor(asker);
    await pool.ready();
    return await action({ pool, principal });
  } catch (error) {
    throw new RefusedError(errorBody(error, logger));
  }
}
