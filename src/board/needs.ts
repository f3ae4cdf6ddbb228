import type { MiddlewareHandler } from 'hono';
import { bodyOf, ERRORS, UserError } from '../shared/errors.js';
import { allows, type Scope } from '../shared/principal.js';
import type { Looking } from './looking.js';

/** Refuses a viewer who lacks a scope. */
export function needs(scope: Scope): MiddlewareHandler<Looking> {
  return async (context, next) => {
    if (allows(context.get('principal'), scope)) return next();
    return context.json(
      bodyOf(new UserError('forbidden', `the token lacks the scope ${scope}`, ERRORS.forbidden.hint)),
      403,
    );
  };
}
