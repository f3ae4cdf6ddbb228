import { html } from 'hono/html';
import { count, size } from '../shared/measures.js';
import { allows, type Scope } from '../shared/principal.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { type Notice, needsAttention } from './attention.js';
import { addressWith } from './filter.js';
import { type Html, layout } from './layout.js';
import { runsChart } from './runs-chart.js';
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

function tiles({ byState, filter }: Overview): Html {
  const shown = TILES.filter((state) => state !== 'orphaned' || byState.orphaned > 0);
  const only = filter.parameters.state;
  return html`<nav id="states" aria-label="Runs by state"><ul class="tiles">${shown.map(
    (state) =>
      html`<li class="${byState[state] === 0 ? 'zero' : ''}"><a href="${addressWith(filter, { state: state === only ? '' : state })}"${
        state === only ? html` aria-current="true"` : ''
      }><b>${count(byState[state])}</b>${stateMark(state)}</a></li>`,
  )}</ul></nav>`;
}

/** A look back; nothing before there was a run. */
function lastHours({ spans }: Overview): Html | '' {
  if (spans.every(({ done, failed, others }) => done + failed + others === 0)) return '';
  const usage = html`<a href="/usage?last=24h">the last 24 hours</a>`;
  return html`<section id="recent" aria-label="The last 24 hours">${runsChart(spans, usage)}</section>`;
}

const LAST: readonly (readonly [string, string])[] = [
  ['', 'any time'],
  ['1h', 'last hour'],
  ['24h', 'last day'],
  ['7d', 'last week'],
  ['30d', 'last month'],
];

/** The rarer filters: on a narrow screen behind a checkbox, which is ticked when one of them is in the address. */
const FURTHER = ['agent', 'runner', 'host', 'label', 'since'] as const;

/** A form that puts the filters into the address; it also works without scripts. */
function filters({ filter, workers }: Overview): Html {
  const { parameters } = filter;
  const input = (name: string, type = 'text', list = '') =>
    html`<input name="${name}" type="${type}" value="${parameters[name] ?? ''}"${list && html` list="${list}"`} autocomplete="off">`;
  const further = (label: string, control: Html) =>
    html`<label class="further"><span>${label}</span>${control}</label>`;
  const option = (value: string, words: string, now: string | undefined) =>
    html`<option value="${value}"${(now ?? '') === value ? html` selected` : ''}>${words}</option>`;
  const states = TILES.map((state) => option(state, inWords(state), parameters.state));
  const times = LAST.map(([value, words]) => option(value, words, parameters.since));
  const runners = [...new Set(workers.flatMap((worker) => worker.runners.map(({ name }) => name)))];
  const hosts = [...new Set(workers.map(({ host }) => host))];
  const choices = (id: string, all: readonly string[]) =>
    html`<datalist id="${id}">${all.map((one) => html`<option value="${one}"></option>`)}</datalist>`;
  const clear = filter.isEmpty ? '' : html`<a href="/">clear</a>`;
  const unfolded = FURTHER.some((name) => parameters[name] !== undefined) ? html` checked` : '';
  return html`<form class="filters" id="filters" role="search" aria-label="Find runs"><label><span>Prompt, agent or id</span>${input('q', 'search')}</label>
<input type="checkbox" id="more-filters" autocomplete="off"${unfolded}><label class="more" for="more-filters">more filters</label>
${further('Agent', input('agent'))}${further('Runner', input('runner', 'text', 'runners'))}${further('State', html`<select name="state">${option('', 'any', parameters.state)}${states}</select>`)}${further('Host', input('host', 'text', 'hosts'))}${further('Label (key=value)', input('label'))}${further('Queued', html`<select name="since">${times}</select>`)}<button>Find</button>${clear}${choices('runners', runners)}${choices('hosts', hosts)}</form>`;
}

function runsHead({ runs, byState, filter }: Overview): Html {
  const all = RUN_STATES.reduce((sum, state) => sum + byState[state], 0);
  const of = !filter.isEmpty
    ? `${count(runs.length)} shown`
    : all > runs.length
      ? `the latest ${count(runs.length)} of ${count(all)}`
      : count(all);
  return html`<div class="head"><h2 id="runs-title">Runs</h2><p>${of}</p><label class="toggle"><input type="checkbox" id="pause"> pause updates</label></div>`;
}

/** What can be done with all that are ticked, and with all that match the filter. */
function bulk({ principal, runs, filter, now }: Overview): Html | '' {
  if (runs.length === 0) return '';
  const one = (what: string, scope: Scope, name: string, words: string) =>
    allows(principal, scope)
      ? html`<details class="action" id="bulk-${what}"><summary>${name}</summary><div class="asked"><p>${words}</p><button name="what" value="${what}"${scope === 'kill' ? html` class="danger"` : ''}>${name}</button></div></details>`
      : '';
  const { parameters } = filter;
  // What was submitted after this page was made is not meant.
  const meant = html`<input type="hidden" name="until" value="${now}">${Object.entries(parameters).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
  const matching = filter.isDefinite
    ? html`<span>With all that match, on every page:</span>${meant}${one('kill-matching', 'kill', 'Kill all that match', 'Ends every run that matches and has not ended, with all of its processes.')}${one('rerun-matching', 'run', 'Run all that match again', 'Submits the prompt of every run that matches as a new run of yours.')}`
    : '';
  return html`<div class="bulk" id="bulk"><span>With those that are ticked:</span>${one('kill', 'kill', 'Kill them', 'Ends these runs and all of their processes; what has ended stays as it is.')}${one('rerun', 'run', 'Run them again', 'Submits each of their prompts as a new run of yours.')}${matching}</div>`;
}

function pagesOf({ filter, nextCursor }: Overview): Html | '' {
  const { cursor } = filter.parameters;
  if (nextCursor === undefined && cursor === undefined) return '';
  const newest = cursor === undefined ? '' : html`<a href="${addressWith(filter, {})}">Newest</a>`;
  const older =
    nextCursor === undefined ? '' : html`<a rel="next" href="${addressWith(filter, { cursor: nextCursor })}">Older</a>`;
  return html`<nav class="pages" id="pages" aria-label="Pages of runs">${newest}${older}</nav>`;
}

/** The front page: what needs attention, what runs, what ran last, who works, what waits. */
export function overviewPage(overview: Overview): Html {
  const { workers, queues, byState, redis, now } = overview;
  const { running, queued, orphaned } = byState;
  const living = workers.filter(({ alive }) => alive).length;
  const main = html`<h1 class="unseen">Overview</h1>
${notices(needsAttention({ workers, queues, redis, orphaned, now }))}
${tiles(overview)}
${lastHours(overview)}
${filters(overview)}
<section id="runs" aria-labelledby="runs-title">${runsHead(overview)}<form method="post" action="/bulk" id="many">${runsTable(overview)}${bulk(overview)}</form>${pagesOf(overview)}</section>
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
