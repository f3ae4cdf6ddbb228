import { html } from 'hono/html';
import { count, size } from '../shared/measures.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { type Notice, needsAttention } from './attention.js';
import { type Html, layout } from './layout.js';
import { inWords, stateMark } from './state-mark.js';
import { type Overview, queuesTable, runsTable, workersTable } from './tables.js';

/** What matters now comes first. */
const TILES: readonly RunState[] = ['running', 'queued', 'orphaned', 'done', 'failed', 'timed_out', 'killed'];

function notices(list: readonly Notice[]): Html | '' {
  if (list.length === 0) return '';
  // What stands between backticks is a command.
  const fixed = (fix: string) => fix.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));
  return html`<section id="attention" aria-labelledby="attention-title"><h2 id="attention-title" class="unseen">Needs attention</h2>
<ul class="notices">${list.map(({ what, fix }) => html`<li><p>${what}</p>${fix && html`<p>${fixed(fix)}</p>`}</li>`)}</ul></section>`;
}

function tiles({ byState, only }: Overview): Html {
  const shown = TILES.filter((state) => state !== 'orphaned' || byState.orphaned > 0);
  return html`<nav id="states" aria-label="Runs by state"><ul class="tiles">${shown.map(
    (state) =>
      html`<li class="${byState[state] === 0 ? 'zero' : ''}"><a href="${state === only ? '/' : `/?state=${state}`}"${
        state === only ? html` aria-current="true"` : ''
      }><b>${count(byState[state])}</b>${stateMark(state)}</a></li>`,
  )}</ul></nav>`;
}

function runsHead({ runs, byState, only }: Overview): Html {
  const all = only ? byState[only] : RUN_STATES.reduce((sum, state) => sum + byState[state], 0);
  const of = all > runs.length ? `the latest ${count(runs.length)} of ${count(all)}` : count(all);
  return html`<div class="head"><h2 id="runs-title">${only ? `Runs: ${inWords(only)}` : 'Runs'}</h2><p>${of}</p>${
    only ? html`<p><a href="/">show all</a></p>` : ''
  }</div>`;
}

/** The front page: what needs attention, what runs, what ran last, who works, what waits. */
export function overviewPage(overview: Overview): Html {
  const { workers, queues, byState, redis, now } = overview;
  const { running, queued, orphaned } = byState;
  const living = workers.filter(({ alive }) => alive).length;
  const main = html`<h1 class="unseen">Overview</h1>
${notices(needsAttention({ workers, queues, redis, orphaned, now }))}
${tiles(overview)}
<section id="runs" aria-labelledby="runs-title">${runsHead(overview)}${runsTable(overview)}</section>
<div id="pool" class="two">
<section id="workers" aria-labelledby="workers-title"><div class="head"><h2 id="workers-title">Workers</h2><p>${living} alive</p></div>${workersTable(overview)}</section>
<section id="queues" aria-labelledby="queues-title"><div class="head"><h2 id="queues-title">Queues</h2><p><a href="/queues">their jobs</a></p></div>${queuesTable(overview)}</section>
</div>`;
  return layout({
    title: running + queued > 0 ? `${running} running, ${queued} queued · agentpool` : 'agentpool',
    here: '/',
    main,
    foot: html`<span>Redis ${redis.version}, ${size(redis.usedMemoryBytes)} in use</span>`,
    changes: true,
  });
}
