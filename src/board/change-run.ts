import type { Context } from 'hono';
import type { Caller } from '../client/caller.js';
import { kill } from '../client/kill.js';
import { rerun, resume } from '../client/rerun.js';
import { ERRORS, UserError } from '../shared/errors.js';
import { allows } from '../shared/principal.js';
import { KILL_GRACE_MS } from '../shared/run.js';
import { failurePage } from './layout.js';

/** What a form of the page of a run asks for; the answer leads to the run that is worth looking at now. Throws a UserError. */
export async function changeRun(context: Context, caller: Caller, runId: string, what: string): Promise<Response> {
  const form = await context.req.parseBody();
  const text = (name: string) => (typeof form[name] === 'string' ? form[name].trim() : '');
  return context.redirect(`/runs/${await changed(caller, runId, what, text)}`, 303);
}

/** So many runs are changed by one form. */
const MOST_AT_ONCE = 100;

/** What a form asks for with several runs; those that it cannot be done with are named. */
export async function changeRuns(context: Context, caller: Caller): Promise<Response> {
  const form = await context.req.parseBody({ all: true });
  const ids = [form.run ?? []].flat().filter((id) => typeof id === 'string');
  const { what } = form;
  if (what !== 'kill' && what !== 'rerun')
    return context.html(failurePage('That did not work', 'Nothing was asked for.'), 400);
  if (!allows(caller.principal, what === 'kill' ? 'kill' : 'run'))
    return context.html(failurePage('That did not work', ERRORS.forbidden), 403);
  if (ids.length > MOST_AT_ONCE)
    return context.html(failurePage('That did not work', `At most ${MOST_AT_ONCE} runs at once.`), 400);
  const done = await Promise.allSettled(ids.map((id) => changed(caller, id, what, () => '')));
  const problems = done.flatMap((one, at) => {
    if (one.status === 'fulfilled') return [];
    if (!(one.reason instanceof UserError)) throw one.reason;
    return [`${ids[at]}: ${one.reason.message}`];
  });
  if (problems.length === 0) return context.redirect('/', 303);
  const title = `${ids.length - problems.length} of ${ids.length} done`;
  return context.html(failurePage(title, problems.join('. ')), 400);
}

async function changed(caller: Caller, runId: string, what: string, text: (name: string) => string): Promise<string> {
  switch (what) {
    case 'kill': {
      const reason = text('reason') || undefined;
      await kill(caller, { runId }, { signal: 'TERM', graceMs: KILL_GRACE_MS, reason });
      caller.pool.logger.info({ runId, principal: caller.principal.name }, 'a kill was asked for by a page');
      return runId;
    }
    case 'rerun':
      return (await rerun(caller, { runId })).run.id;
    default: {
      const prompt = text('prompt');
      if (prompt === '') throw new UserError('invalid_argument', 'it is missing', 'Say what to ask.', 'prompt');
      return (await resume(caller, { runId }, prompt)).run.id;
    }
  }
}
