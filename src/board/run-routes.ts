import type { Context, Hono } from 'hono';
import type { Pool } from '../shared/pool.js';
import { maySee } from '../shared/principal.js';
import type { Run } from '../shared/run.js';
import { changeRun } from './change-run.js';
import { failurePage } from './layout.js';
import { lookAtAll } from './look-at-run.js';
import { callerOf, type Looking } from './looking.js';
import { needs } from './needs.js';
import { liveRun } from './run-live.js';
import { answerDownload, answerLines, answerSearch } from './run-output.js';
import { runPage } from './run-page.js';

/** The page of each run at `/runs/:id`, what it asks for while it is open, and what its forms do. */
export function addRunPages(app: Hono<Looking>, pool: Pool): void {
  /** Answers about a run that the viewer may see; any other run is not found. */
  const about =
    (answer: (context: Context<Looking>, run: Run) => Response | Promise<Response>) =>
    async (context: Context<Looking>): Promise<Response> => {
      const id = context.req.param('id') ?? '';
      await pool.ready();
      const run = await pool.runs.get(id);
      if (run && maySee(context.get('principal'), run.principal)) return answer(context, run);
      const what = `There is no run ${id}, or its record is not kept any more (AGENTPOOL_RECORD_RETENTION_MS).`;
      return context.html(failurePage('No such run', what), 404);
    };
  const caller = (context: Context<Looking>) => callerOf(pool, context);

  app.get(
    '/runs/:id',
    about(async (context, run) =>
      context.html(runPage(await lookAtAll(caller(context), run, context.req.query('cursor')))),
    ),
  );
  app.get(
    '/runs/:id/live',
    about((context, run) => {
      const cursor = context.req.header('last-event-id') || context.req.query('cursor') || undefined;
      return liveRun(context, caller(context), run.id, cursor);
    }),
  );
  app.get(
    '/runs/:id/lines',
    about((context, run) => answerLines(context, caller(context), run.id)),
  );
  app.get(
    '/runs/:id/search',
    about((context, run) => answerSearch(context, caller(context), run.id)),
  );
  app.get(
    '/runs/:id/output',
    about((context, run) => answerDownload(context, caller(context), run)),
  );
  app.post(
    '/runs/:id/kill',
    needs('kill'),
    about((context, run) => changeRun(context, caller(context), run.id, 'kill')),
  );
  for (const what of ['rerun', 'resume'])
    app.post(
      `/runs/:id/${what}`,
      needs('run'),
      about((context, run) => changeRun(context, caller(context), run.id, what)),
    );
}
