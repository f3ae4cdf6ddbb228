import { html } from 'hono/html';
import { allows } from '../shared/principal.js';
import { isEnded } from '../shared/run-state.js';
import type { Html } from './layout.js';
import type { RunFacts } from './shown-run.js';

/** One thing that can be done with a run: it opens, and asks once more. Works without scripts, too. */
const action = (id: string, name: string, form: Html) =>
  html`<details class="action" id="${id}"><summary>${name}</summary>${form}</details>`;

/** What the viewer may do with a run. */
export function actions({ run, prompt, principal }: RunFacts): Html {
  const ended = isEnded(run.state);
  const to = (what: string) => `/runs/${run.id}/${what}`;
  const kill =
    !ended && allows(principal, 'kill')
      ? action(
          'do-kill',
          'Kill',
          html`<form method="post" action="${to('kill')}"><p>Ends the run and all of its processes.</p><label>Reason <input name="reason" maxlength="500" autocomplete="off"></label><button class="danger">Kill this run</button></form>`,
        )
      : '';
  const rerun =
    prompt !== undefined && allows(principal, 'run')
      ? action(
          'do-rerun',
          'Rerun',
          html`<form method="post" action="${to('rerun')}"><p>Submits the same prompt with the same arguments as a new run of yours.</p><button>Run it again</button></form>`,
        )
      : '';
  const resume =
    ended && run.sessionId !== undefined && allows(principal, 'run')
      ? action(
          'do-resume',
          'Resume',
          html`<form method="post" action="${to('resume')}"><p>Continues its session, as a new run of yours.</p><label>Prompt <textarea name="prompt" rows="4" required></textarea></label><button>Resume the session</button></form>`,
        )
      : '';
  return html`<div class="actions">${kill}${rerun}${resume}</div>`;
}
