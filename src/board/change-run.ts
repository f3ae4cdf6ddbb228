import type { Context } from 'hono';
import type { Caller } from '../client/caller.js';
import { kill } from '../client/kill.js';
import { rerun, resume } from '../client/rerun.js';
import { searchRuns } from '../client/search-runs.js';
import { ERRORS, UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { allows } from '../shared/principal.js';
import { KILL_GRACE_MS } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { addressWith, readFilter, type ShownFilter } from './filter.js';
import { failurePage } from './layout.js';

/** What a form of the page of a run asks for; the answer leads to the run that is worth looking at now. Throws a UserError. */
export async function changeRun(context: Context, caller: Caller, runId: string, what: string): Promise<Response> {
  const form = await context.req.parseBody();
  const text = (name: string) => (typeof form[name] === 'string' ? form[name].trim() : '');
  return context.redirect(`/runs/${await changed(caller, runId, what, text)}`, 303);
}

/** How many runs one form may change: a kill is cheap, but a rerun costs money. */
const MOST_AT_ONCE = { kill: 1_000, rerun: 100 } as const;
type Bulk = keyof typeof MOST_AT_ONCE;
/** How many runs are changed at the same time. */
const SIDE_BY_SIDE = 25;

const failed = (context: Context, why: string, status: 400 | 403 = 400) =>
  context.html(failurePage('That did not work', why), status);

/** Does what a form asks for with several runs, ticked or filtered; names the runs for which it failed. */
export async function changeRuns(context: Context, caller: Caller): Promise<Response> {
  const form = await context.req.parseBody({ all: true });
  const [, what, matching] = /^(kill|rerun)(-matching)?$/.exec(String(form.what)) ?? [];
  if (what !== 'kill' && what !== 'rerun') return failed(context, 'Nothing was asked for.');
  if (!allows(caller.principal, what === 'kill' ? 'kill' : 'run')) return failed(context, ERRORS.forbidden.hint, 403);
  const words = Object.entries(form).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []));
  const filter = readFilter(Object.fromEntries(words));
  if (matching && !filter.isDefinite) return failed(context, 'This filter says nothing, or is not understood.');
  const ticked = [form.run ?? []].flat().filter((id) => typeof id === 'string');
  const ids = matching ? await idsThatMatch(caller, filter, what, Number(form.until)) : ticked;
  const most = MOST_AT_ONCE[what];
  if (ids.length > most) return failed(context, `At most ${most} runs at once.`);
  const problems = await changeAll(caller, ids, what);
  if (problems.length === 0) return context.redirect(matching ? addressWith(filter, {}) : '/', 303);
  const title = `${ids.length - problems.length} of ${ids.length} done`;
  return context.html(failurePage(title, problems.join('. ')), 400);
}

/** The runs that match, at most one more than may be changed at once; for a kill those that have not ended. */
async function idsThatMatch(caller: Caller, { query }: ShownFilter, what: Bulk, until: number): Promise<string[]> {
  const before = until > 0 ? until : await caller.pool.runs.now();
  const { cursor: _, ...search } = query.search; // all pages are meant, not the one that was looked at
  const since = query.sinceMs === undefined ? undefined : before - query.sinceMs;
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await searchRuns(caller, {
      ...search,
      until: before,
      limit: 200,
      ...omitUndefined({ since, cursor }),
    });
    ids.push(...page.runs.filter(({ run }) => what !== 'kill' || !isEnded(run.state)).map(({ run }) => run.id));
    cursor = page.nextCursor;
    if (cursor === undefined || ids.length > MOST_AT_ONCE[what]) return ids;
  }
}

/** Changes all of them; answers with what could not be done. */
async function changeAll(caller: Caller, ids: readonly string[], what: Bulk): Promise<string[]> {
  const problems: string[] = [];
  for (let at = 0; at < ids.length; at += SIDE_BY_SIDE) {
    const part = ids.slice(at, at + SIDE_BY_SIDE);
    const done = await Promise.allSettled(part.map((id) => changed(caller, id, what, () => '')));
    for (const [index, one] of done.entries()) {
      if (one.status === 'fulfilled') continue;
      if (!(one.reason instanceof UserError)) throw one.reason;
      problems.push(`${part[index]}: ${one.reason.message}`);
    }
  }
  return problems;
}

async function changed(caller: Caller, runId: string, what: string, text: (name: string) => string): Promise<string> {
  switch (what) {
    case 'kill': {
      const reason = text('reason') || undefined;
      await kill(caller, { runId }, { signal: 'TERM', graceMs: KILL_GRACE_MS, reason });
      caller.pool.logger.info({ runId, principal: caller.principal.name }, 'a kill was requested from a page');
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
