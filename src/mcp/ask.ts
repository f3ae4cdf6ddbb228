import type { Caller } from '../client/caller.js';
import type { ErrorBody } from '../shared/errors.js';
import { allows, type Scope } from '../shared/principal.js';
import { errorBody, scopeError } from './call.js';

/** What was refused to whoever asked for something that is not a tool. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  constructor(readonly body: ErrorBody) {
    super(body.message);
  }
}

/** Asks the pool for a client, with the scope that `what` needs. Throws a RefusedError for whatever goes wrong. */
export async function ask<Value>(
  caller: Caller,
  scope: Scope,
  what: string,
  action: () => Promise<Value>,
): Promise<Value> {
  if (!allows(caller.principal, scope)) throw new RefusedError(scopeError(what, scope, caller.principal));
  try {
    await caller.pool.ready();
    return await action();
  } catch (error) {
    throw new RefusedError(errorBody(error, caller.pool));
  }
}
