import { html } from 'hono/html';
import type { QueueView, WorkerView } from '../client/pool-status.js';
import { hostsAway } from '../client/remove-host.js';
import { limitInWords, type RunnerLimitView } from '../client/runner-limits.js';
import { count, counted, duration, size } from '../shared/measures.js';
import { partsOf } from '../shared/queues/route.js';
import { HOST_FIXES } from '../shared/workers/workers.js';
import { ago } from './ago.js';
import { card } from './card.js';
import { type Html, layout } from './layout.js';
import { stateMark } from './state-mark.js';

interface ShownPool {
  readonly workers: readonly WorkerView[];
  readonly queues: readonly QueueView[];
  readonly limits: readonly RunnerLimitView[];
  /** What was just done, for who did it. */
  readonly notice: string;
  /** Whether the viewer may remove hosts. */
  readonly mayRemove: boolean;
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

function stateOf({ alive, phase, problem, cordonedSince }: WorkerView): string {
  if (phase === 'left') return 'left';
  if (!alive) return 'silent';
  if (cordonedSince !== undefined && phase === 'ready') return 'cordoned';
  return problem && phase === 'ready' ? 'unhealthy' : phase;
}

/** Why a worker takes no runs; empty when it does. */
function why(worker: WorkerView, now: number): Html | '' {
  const { problem, alive, phase, lastHeartbeatAt, running, capacity, host, cordonedSince } = worker;
  if (phase === 'left')
    return html`It has stopped; its programs go on. Start one again: <code>agentpool worker --host ${host}</code>`;
  if (!alive)
    return html`Not heard of for ${duration(now - lastHeartbeatAt)}; its programs go on. Start one again on its host: <code>agentpool worker</code>`;
  if (phase === 'stopping') return html`It is stopping and takes no more runs.`;
  if (cordonedSince !== undefined)
    return html`It has been cordoned for ${duration(now - cordonedSince)} and takes no new runs: <code>agentpool uncordon ${host}</code>`;
  if (problem)
    return html`It has taken no runs for ${duration(now - problem.since)}: ${problem.message}. It tries again by itself; ${HOST_FIXES[problem.kind]}.`;
  return running >= capacity ? html`All of its slots are taken.` : '';
}

function workerCard(worker: WorkerView, now: number): Html {
  const {
    id,
    host,
    running,
    capacity,
    spool,
    lastHeartbeatAt,
    startedAt,
    version,
    allowedPaths,
    runners,
    labels = [],
  } = worker;
  const reason = why(worker, now);
  return html`<article class="card worker" id="worker-${id}"><div class="head"><h2>${host}</h2>${stateMark(stateOf(worker))}<p><a href="/?host=${encodeURIComponent(host)}">its runs</a></p></div>
${reason && html`<p class="why">${reason}</p>`}
<p><progress value="${running}" max="${Math.max(1, capacity)}" aria-label="Slots in use"></progress> ${running} of ${capacity} slots in use</p>
<dl class="facts"><div><dt>Heartbeat</dt><dd>${ago(lastHeartbeatAt, now)}</dd></div><div><dt>Up</dt><dd>${duration(now - startedAt)}</dd></div>${spool ? html`<div><dt>Spools of what runs</dt><dd>${size(spool.usedBytes)} of ${size(spool.quotaBytes)}</dd></div><div><dt>Disk</dt><dd>${size(spool.freeBytes)} free</dd></div>` : ''}<div><dt>Version</dt><dd>${version}</dd></div><div><dt>Directories</dt><dd>${allowedPaths.map((path) => html`<code>${path}</code> `)}</dd></div></dl>
<ul class="chips" aria-label="Runners">${runners.map(({ name, version: of }) => html`<li class="label">${name}${of && html` <span class="dim">${of}</span>`}</li>`)}</ul>${
    labels.length === 0
      ? ''
      : html`
<ul class="chips" aria-label="Labels that runs may require">${labels.map((label) => html`<li class="label">${label}</li>`)}</ul>`
  }</article>`;
}

/** A host without a living worker, which may be gone for good. */
function awayCard(host: string, queues: readonly QueueView[], mayRemove: boolean): Html {
  const waiting = queues.filter(({ queue }) => partsOf(queue).host === host);
  const runs = waiting.reduce((sum, one) => sum + one.waiting + one.delayed, 0);
  const remove = html`<div class="actions"><details class="action"><summary>Remove</summary><form method="post" action="/hosts/${encodeURIComponent(host)}/remove"><p>For a host that is gone for good. Runs that wait for it are killed, runs that it had are failed (lost), and its sessions cannot be resumed.</p><button class="danger">Remove ${host}</button></form></details></div>`;
  return html`<article class="card worker" id="away-${host}"><div class="head"><h2>${host}</h2>${stateMark('away')}${mayRemove ? remove : ''}</div><p>No worker of it is alive; ${counted(runs, 'run')} ${runs === 1 ? 'waits' : 'wait'} for it.</p></article>`;
}

/** The workers by host, and why one of them takes no runs. */
export function workersPage({ workers, queues, limits, notice, mayRemove, now }: ShownPool): Html {
  const living = workers.filter(({ alive }) => alive).length;
  const list =
    workers.length === 0
      ? html`<div class="card"><p class="none">No worker is alive. Start one: <code>agentpool worker</code></p></div>`
      : html`<div class="workers">${workers.map((worker) => workerCard(worker, now))}</div>`;
  const rows = queues.map(
    ({ queue, waiting, delayed, active, yours }) =>
      html`<tr id="queue-${queue}"><th scope="row">${queue}</th><td class="n">${count(waiting)}</td><td class="n">${count(delayed)}</td><td class="n">${count(active)}</td><td class="n">${count(yours.waiting)}</td></tr>`,
  );
  const main = html`<div class="title"><h1>Workers</h1><p class="dim">${counted(living, 'worker')} alive</p></div>
${notice && html`<div class="notice" role="status"><p>${notice}</p></div>`}
<section id="workers" aria-label="Workers">${list}</section>
${limits.map((limit) => html`<p class="dim">${limit.runner}: ${limitInWords(limit)}</p>`)}
${hostsAway(
  queues.map(({ queue }) => queue),
  workers,
).map((host) => awayCard(host, queues, mayRemove))}
<section id="queues" aria-labelledby="queues-title"><div class="head"><h2 id="queues-title">Queues</h2></div>${card('Queues', html`<table><thead><tr><th scope="col">Queue</th><th scope="col" class="n">Waiting</th><th scope="col" class="n">Delayed</th><th scope="col" class="n">Active</th><th scope="col" class="n">Waiting, yours</th></tr></thead><tbody>${rows}</tbody></table>`)}</section>`;
  return layout({ title: 'Workers · agentpool', here: '/workers', main, changes: true });
}
