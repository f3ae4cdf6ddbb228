import type { Context } from 'hono';
import type { Caller } from '../client/caller.js';
import type { Pool } from '../shared/pool.js';
import type { Principal } from '../shared/principal.js';

/** What the HTTP server hands to a page: who looks. */
export interface Looking {
  Variables: { principal: Principal };
}

/** Whoever looks, as `client` knows it. */
export const callerOf = (pool: Pool, context: Context<Looking>): Caller => ({
  pool,
  principal: context.get('principal'),
});
