import { UserError } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { allows, maySee } from '../shared/principal.js';
import { hostQueue } from '../shared/queues/route.js';
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
    if (session ? maySee(principal, session.principal) : allows(principal, 'admin'))
      return session && (await onKnownHost(pool, session));
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
  const latest = await pool.runs.sessions.latest(principal.name, agentName, runner);
  return latest && (await isRemoved(pool, latest)) ? undefined : latest;
}

/** The files of a session are on its host, and nowhere else. */
async function onKnownHost(pool: Pool, session: Session): Promise<Session> {
  if (!(await isRemoved(pool, session))) return session;
  throw new UserError(
    'unknown_session',
    `session ${session.id} lives on ${session.host}, which was removed from the pool`,
    'Begin a new session: leave it out.',
    'sessionId',
  );
}

const isRemoved = ({ queues }: Pool, { host }: Session) => queues.wasRemoved(hostQueue(host));
