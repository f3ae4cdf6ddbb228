import { UserError } from '../shared/errors.js';
import { allows, maySee } from '../shared/principal.js';
import type { RunRequest } from '../shared/run.js';
import type { Session } from '../shared/run-store/sessions.js';
import type { Caller } from './caller.js';

/** The session that is resumed. One that we do not know may be anybody's, so only an administrator may name it. */
export async function sessionFor(
  { pool, principal }: Caller,
  { runner, agentName, sessionId }: RunRequest,
  autoResume: boolean,
): Promise<Session | undefined> {
  if (sessionId !== undefined) {
    const session = await pool.runs.sessions.find(runner, sessionId);
    if (session ? maySee(principal, session.principal) : allows(principal, 'admin')) return session;
    throw new UserError(
      'unknown_session',
      `there is no session ${sessionId} of yours`,
      'Use the session of a run of yours.',
      'sessionId',
    );
  }
  if (!autoResume) return undefined;
  if (pool.runners.get(runner)?.resumeArgs === undefined)
    throw new UserError('cannot_resume', `${runner} cannot resume a session`, 'Leave it out.', 'autoResume');
  return pool.runs.sessions.latest(principal.name, agentName, runner);
}
