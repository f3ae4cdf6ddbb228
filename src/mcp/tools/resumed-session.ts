import { UserError } from '../../shared/errors.js';
import { allows, maySee } from '../../shared/principal.js';
import type { RunOrder } from '../../shared/run.js';
import type { Session } from '../../shared/run-store/sessions.js';
import { overmindSession } from '../overmind/named-workspace.js';
import type { Caller } from './tool.js';

/** The session that is resumed. One that we do not know may be anybody's, so only an administrator may name it. */
export async function sessionFor(
  caller: Caller,
  order: RunOrder & { readonly principal: string },
  autoResume: boolean,
  config: string | undefined,
): Promise<Session | undefined> {
  const { pool, principal } = caller;
  const { sessionId } = order;
  if (sessionId !== undefined) {
    const session = await pool.runs.sessions.find(order.runner, sessionId);
    if (session ? maySee(principal, session.principal) : allows(principal, 'admin')) return session;
    throw new UserError(
      'unknown_session',
      `sessionId: there is no session ${sessionId} of yours`,
      'Use the sessionId of a run of yours, or autoResume.',
    );
  }
  if (!autoResume) return undefined;
  if (pool.runners.get(order.runner)?.resumeArgs === undefined)
    throw new UserError('cannot_resume', `${order.runner} cannot resume a session`, 'Leave autoResume out.');
  const latest = await pool.runs.sessions.latest(order.principal, order.agentName, order.runner);
  return latest ?? (config === undefined ? undefined : overmindSession(caller, config, order));
}
