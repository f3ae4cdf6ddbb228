import type { Context } from 'hono';
import type { Caller } from '../client/caller.js';
import type { Pool } from '../shared/pool.js';
import type { Principal } from '../shared/principal.js';

/** What the HTTP server passes to a page: the viewer. */
export interface Looking {
  Variables: { principal: Principal };
}

/** The viewer, as a `Caller` of `client`. */
export const callerOf = (pool: Pool, context: Context<Looking>): Caller => ({
  pool,
  principal: context.get('principal'),
});
