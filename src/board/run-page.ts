import { html } from 'hono/html';
import type { WorkerFacts } from '../client/worker-facts.js';
import { count, duration, size } from '../shared/measures.js';
import { shownText } from '../shared/plain-text.js';
import type { Run, Usage } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { ago } from './ago.js';
import { type Html, layout } from './layout.js';
import { stateMark } from './state-mark.js';

/** How much of the end of the output the page shows (bytes). */
export const TAIL_BYTES = 16 * 1024;

/** Everything that the page of a run tells. */
export interface ShownRun {
  readonly run: Run;
  readonly worker: WorkerFacts;
  /** The end of the output; empty when there is none, or when it is not kept any more. */
  readonly tail: Buffer;
  readonly result?: string;
  readonly queuePosition?: number;
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

function used({ inputTokens, outputTokens, cachedInputTokens, costUsd }: Usage): string {
  return [
    inputTokens !== undefined && `${count(inputTokens)} tokens in`,
    cachedInputTokens !== undefined && `${count(cachedInputTokens)} of them cached`,
    outputTokens !== undefined && `${count(outputTokens)} out`,
    costUsd !== undefined && `$${costUsd.toFixed(4)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function facts({ run, queuePosition, now }: ShownRun): Html {
  const { queuedAt, startedAt, endedAt, lastOutputAt, outBytes, errBytes, droppedBytes, usage } = run;
  const job = `/queues/queue/${encodeURIComponent(run.queue)}/${run.id}`;
  const list: readonly (readonly [string, Html | readonly Html[] | string | number | undefined])[] = [
    ['Runner', run.runner],
    ['Model', run.model],
    ['Mode', run.mode],
    ['Host', run.host],
    ['Worker', run.worker],
    ['Process', run.pid],
    [
      'Session',
      run.sessionId && html`<code>${run.sessionId}</code>${run.resumes === run.sessionId ? ' (resumed)' : ''}`,
    ],
    ['Directory', run.path && html`<code>${run.path}</code>`],
    ['Labels', run.labels && Object.entries(run.labels).map(([key, value]) => html`<code>${key}=${value}</code> `)],
    ['Queue', html`<a href="${job}">${run.queue}</a>${queuePosition === undefined ? '' : `, place ${queuePosition}`}`],
    ['Queued', ago(queuedAt, now)],
    ['Started', startedAt && html`${ago(startedAt, now)}, after ${duration(startedAt - queuedAt)}`],
    [endedAt ? 'Took' : 'Runs for', startedAt && duration((endedAt ?? now) - startedAt)],
    ['Last output', lastOutputAt && ago(lastOutputAt, now)],
    ['Ended', endedAt && ago(endedAt, now)],
    ['Exit code', run.exitCode],
    ['Prompt', size(run.promptBytes)],
    ['Output', `${size(outBytes + errBytes)}${droppedBytes > 0 ? `, ${size(droppedBytes)} not kept` : ''}`],
    ['Usage', usage && used(usage)],
  ];
  const known = list.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="card facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function outcome({ run, worker, now }: ShownRun): Html {
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
  const waits =
    hostProblem &&
    html`<div class="notice"><p>It waits: its host takes no runs since ${hostProblem.sinceIso}: ${hostProblem.message}</p></div>`;
  return html`${asked ?? ''}${failed ?? ''}${silent || ''}${waits ?? ''}`;
}

function output({ run, tail }: ShownRun): Html {
  const all = run.outBytes + run.errBytes;
  if (tail.length === 0) {
    const why = all === 0 ? 'It has printed nothing.' : 'Its output is not kept any more.';
    return html`<div class="card"><p class="none">${why}</p></div>`;
  }
  return html`<div class="card"><pre id="output" tabindex="0" role="group" aria-label="End of the output">
${shownText(tail)}</pre></div>`;
}

/** The page of one run: what it is, what became of it, its result, and the end of its output. */
export function runPage(shown: ShownRun): Html {
  const { run, result, tail } = shown;
  const { id, agentName, state } = run;
  const all = run.outBytes + run.errBytes;
  const end = tail.length > 0 && tail.length < all ? `the last ${size(tail.length)} of ${size(all)}` : size(all);
  const main = html`<div class="title"><h1>${agentName}</h1>${stateMark(state)}<code>${id}</code></div>
${outcome(shown)}
<section id="facts" aria-label="Facts">${facts(shown)}</section>
${
  result === undefined
    ? ''
    : html`<section id="result" aria-labelledby="result-title"><div class="head"><h2 id="result-title">Result</h2></div><div class="card"><pre tabindex="0" role="group" aria-label="Result">
${shownText(Buffer.from(result))}</pre></div></section>`
}
<section id="printed" aria-labelledby="output-title"><div class="head"><h2 id="output-title">Output</h2><p>${end}</p><p><code>agentpool logs ${isEnded(state) ? '' : '-f '}${id}</code></p></div>${output(shown)}</section>`;
  return layout({
    title: `${agentName}: ${state} · agentpool`,
    main,
    changes: !isEnded(state),
  });
}
