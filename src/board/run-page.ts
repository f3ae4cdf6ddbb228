import { html, raw } from 'hono/html';
import { waitingInWords } from '../client/waiting-for.js';
import { settingThatLetGo } from '../client/what-is-gone.js';
import { duration, size } from '../shared/measures.js';
import { beginningOf, plainText, shownText } from '../shared/plain-text.js';
import { allows } from '../shared/principal.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { fileInWords, usageInWords } from '../shared/transcript/readable.js';
import { ago } from './ago.js';
import { type Html, layout } from './layout.js';
import { markdownInTurn } from './markdown.js';
import { actions } from './run-actions.js';
import { timeline } from './run-timeline.js';
import type { RunFacts, ShownRun } from './shown-run.js';
import { stateMark } from './state-mark.js';

/** How much of the end of the output a page without scripts shows (bytes). */
export const TAIL_BYTES = 16 * 1024;
/** How much of a prompt is shown (characters). */
const PROMPT_CHARS = 20_000;

type Value = Html | readonly Html[] | string | number | undefined;

function facts({ run, activity, queuePosition, now, principal }: RunFacts): Html {
  const { queuedAt, startedAt, endedAt, lastOutputAt, outBytes, errBytes, droppedBytes } = run;
  const usage = usageInWords(run.usage ?? activity?.usage ?? {});
  const place = queuePosition === undefined ? '' : `, place ${queuePosition}`;
  const job = `/queues/queue/${encodeURIComponent(run.queue)}/${run.id}`;
  const queue = allows(principal, 'admin') ? html`<a href="${job}">${run.queue}</a>${place}` : `${run.queue}${place}`;
  const list: readonly (readonly [string, Value])[] = [
    ['Runner', [run.runner, run.model, run.mode].filter(Boolean).join(', ')],
    ['Spent', usage],
    [endedAt ? 'Took' : 'Runs for', startedAt && duration((endedAt ?? now) - startedAt)],
    [
      'Host',
      run.host &&
        html`<span title="worker ${run.worker ?? ''}">${run.host}</span>${run.pid === undefined ? '' : html` <span class="dim">process ${run.pid}</span>`}`,
    ],
    ['Directory', run.path && html`<code>${run.path}</code>`],
    ['Session', run.sessionId && session(run)],
    ['Labels', run.labels && labels(run.labels)],
    ['Requires', run.requires?.join(', ')],
    ['Queue', queue],
    ['Last output', endedAt === undefined && lastOutputAt ? ago(lastOutputAt, now) : undefined],
    ['Exit code', run.exitCode],
    [
      'Output',
      `${size(outBytes + errBytes)}${droppedBytes > 0 ? `, ${size(droppedBytes)} not kept (AGENTPOOL_MAX_OUTPUT_BYTES)` : ''}`,
    ],
    ['Submitted', html`${ago(queuedAt, now)} by ${run.principal}`],
  ];
  const known = list.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="card facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const session = ({ sessionId = '', resumes, agentName, runner }: Run) =>
  html`<code>${sessionId}</code>${resumes === sessionId ? ' (resumed)' : ''} <a href="/?agent=${agentName}&amp;runner=${runner}">its runs</a>`;

const labels = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(
    ([key, value]) =>
      html`<a class="label" href="/?label=${encodeURIComponent(`${key}=${value}`)}">${key}=${value}</a> `,
  );

function outcome({ run, worker, now }: RunFacts): Html {
  const { failure, kill, state } = run;
  const failed =
    failure &&
    html`<div class="notice error"><p>${failure.message}</p><p>failure kind: <code>${failure.kind}</code></p></div>`;
  const asked =
    kill &&
    html`<div class="notice"><p>${state === 'killed' ? 'Its end was requested' : 'A kill was requested'} ${ago(kill.requestedAt, now)}${kill.reason ? `: ${kill.reason}` : '.'}</p></div>`;
  const { workerSilentSince: since, hostProblem } = worker;
  const silent =
    since !== undefined &&
    html`<div class="notice"><p>Its worker has been silent since ${worker.workerSilentSinceIso}, ${ago(since, now)}; the program may go on.</p></div>`;
  const waits = worker.waitingFor && !worker.hostProblem && waitingInWords(worker.waitingFor);
  const held =
    hostProblem &&
    html`<div class="notice"><p>It waits: its host takes no runs since ${hostProblem.sinceIso}: ${hostProblem.message}</p></div>`;
  return html`${asked ?? ''}${failed ?? ''}${silent || ''}${waits && html`<div class="notice"><p>It waits: ${waits}</p></div>`}${held ?? ''}`;
}

function question({ prompt, run }: RunFacts): Html {
  if (prompt === undefined)
    return html`<div class="card"><p class="none">The prompt (${size(run.promptBytes)}) is not kept any more: ${settingThatLetGo(run)} says how long.</p></div>`;
  const rest = prompt.length > PROMPT_CHARS ? `\n… ${size(run.promptBytes)} in all` : '';
  return html`<div class="card"><pre class="prompt" tabindex="0" role="group" aria-label="Prompt">
${plainText(beginningOf(prompt, PROMPT_CHARS))}${rest}</pre></div>`;
}

function answer({ result, speaks, activity, run }: RunFacts): Html | '' {
  const files = isEnded(run.state) ? (activity?.filesChanged ?? []) : [];
  if (result === undefined && files.length === 0) return '';
  const words =
    result === undefined
      ? ''
      : speaks
        ? html`<div class="card say">${markdownInTurn(result).then(raw)}</div>`
        : html`<div class="card"><pre tabindex="0" role="group" aria-label="Result">
${shownText(Buffer.from(result))}</pre></div>`;
  const changed = html`<ul class="files">${files.map((file) => html`<li><code>${fileInWords(file)}</code></li>`)}</ul>`;
  return html`<section id="result" aria-labelledby="result-title"><div class="head"><h2 id="result-title">Result</h2></div>${words}${files.length === 0 ? '' : changed}</section>`;
}

/** All of the page that changes by itself while the run goes on. */
export function runHead(shown: RunFacts): Html {
  const { run } = shown;
  return html`<div id="head"><div class="title"><h1>${run.agentName}</h1>${stateMark(run.state)}<code>${run.id}</code>${actions(shown)}</div>
<div id="outcome">${outcome(shown)}</div>
<section id="facts" aria-label="Facts">${facts(shown)}${timeline(shown)}</section>
<section id="asked" aria-labelledby="asked-title"><div class="head"><h2 id="asked-title">Prompt</h2></div>${question(shown)}</section>
${answer(shown)}</div>`;
}

function transcriptSection({ run, transcript }: ShownRun): Html | '' {
  if (!transcript) return '';
  const { blocks, isTail, hasMore, cursor, droppedBytes } = transcript;
  const here = `/runs/${run.id}`;
  const before = isTail
    ? html`<p class="more"><a href="${here}?cursor=start">Show it from the beginning</a></p>`
    : droppedBytes > 0
      ? html`<p class="more">${size(droppedBytes)} before this are not kept any more (AGENTPOOL_MAX_OUTPUT_BYTES).</p>`
      : '';
  const after = hasMore
    ? html`<p class="more"><a href="${here}?cursor=${cursor}">Go on</a> or <a href="${here}">show the end</a></p>`
    : '';
  const empty = blocks.length === 0 ? html`<p class="none" id="nothing-said">It has said nothing yet.</p>` : '';
  return html`<section id="said" aria-labelledby="said-title"><div class="head"><h2 id="said-title">Transcript</h2><label class="toggle" hidden><input type="checkbox" id="follow-said" ${isEnded(run.state) || hasMore ? '' : 'checked'}> follow</label></div>${before}<div class="card"><div id="transcript" data-live="${isEnded(run.state) || hasMore ? '' : cursor}">${blocks.map((block) => block.html)}${empty}</div></div>${after}</section>`;
}

function outputSection({ run, tail, transcript }: ShownRun): Html {
  const { id, state, outBytes, errBytes } = run;
  const all = outBytes + errBytes;
  const end = tail.length > 0 && tail.length < all ? `the last ${size(tail.length)} of ${size(all)}` : size(all);
  const why =
    all === 0 ? 'It has printed nothing.' : `Its output is not kept any more: ${settingThatLetGo(run)} says how long.`;
  const link = `/runs/${id}/output`;
  const downloads =
    tail.length === 0
      ? ''
      : html`<p>download <a href="${link}" download>all</a>, <a href="${link}?stream=stdout" download>stdout</a>, <a href="${link}?stream=stderr" download>stderr</a></p>`;
  return html`<section id="printed" aria-labelledby="output-title"><div class="head"><h2 id="output-title">${transcript ? 'Raw output' : 'Output'}</h2><p id="output-size">${end}</p>${downloads}<p><code>agentpool logs ${isEnded(state) ? '' : '-f '}${transcript ? '--raw ' : ''}${id}</code></p></div>
<div class="card" id="viewer" data-run="${id}" data-live="${isEnded(state) ? '' : 'yes'}" data-lines="${run.lines}"><pre id="output" tabindex="0" role="group" aria-label="End of the output">
${tail.length === 0 ? why : shownText(tail)}</pre></div></section>`;
}

/** The page of one run: what it was asked, what it is, what it said and did, its result, and its output. */
export function runPage(shown: ShownRun): Html {
  const { run } = shown;
  const main = html`${runHead(shown)}${transcriptSection(shown)}${outputSection(shown)}`;
  return layout({
    title: `${run.agentName}: ${run.state} · agentpool`,
    main,
    changes: !isEnded(run.state),
    isLive: true,
    runId: run.id,
  });
}
