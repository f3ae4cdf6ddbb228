import { html } from 'hono/html';
import type { FoundRun } from '../client/search-runs.js';
import type { Span } from '../client/usage.js';
import { count, counted, duration, size } from '../shared/measures.js';
import type { Principal } from '../shared/principal.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import type { RedisHealth } from '../shared/redis/check.js';
import type { Run } from '../shared/run.js';
import type { RunState } from '../shared/run-state.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import { ago } from './ago.js';
import { card } from './card.js';
import type { ShownFilter } from './filter.js';
import type { Html } from './layout.js';
import { servedBy } from './served.js';
import { stateMark } from './state-mark.js';

/** A run in the list, with why it waits. */
export interface ListedRun extends FoundRun {
  readonly waits?: string;
}

/** Everything that the front page shows. */
export interface Overview {
  readonly workers: readonly LivingWorker[];
  readonly queues: readonly QueueCounts[];
  /** What matches; without a filter what runs first, then the latest. */
  readonly runs: readonly ListedRun[];
  /** Where the next page begins; absent: this is the last one. */
  readonly nextCursor?: string;
  readonly byState: Readonly<Record<RunState, number>>;
  readonly filter: ShownFilter;
  /** The runs of the last 24 hours, by the hour. */
  readonly spans: readonly Span[];
  /** The viewer. */
  readonly principal: Principal;
  readonly redis: RedisHealth;
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

const number = (value: number, priority = '') =>
  html`<td class="n ${value === 0 ? 'zero' : ''} ${priority}">${count(value)}</td>`;

/** What a person would ask next about a run. */
function remark({ run, waits }: ListedRun): string {
  const { state, failure, kill, host } = run;
  if (failure) return failure.message;
  if (state === 'killed') return kill?.reason ?? '';
  if (kill && (state === 'running' || state === 'orphaned')) return 'a kill was requested';
  if (state === 'orphaned') return `the worker on ${host} is silent`;
  return waits === undefined ? '' : `waits: ${waits}`;
}

const took = ({ startedAt, endedAt }: Run, now: number) =>
  startedAt === undefined ? '' : duration((endedAt ?? now) - startedAt);

function aboutCell(listed: ListedRun): Html {
  const { run, promptLine = '' } = listed;
  const words = remark(listed);
  const labels = Object.entries(run.labels ?? {}).map(
    ([key, value]) => html` <span class="label">${key}=${value}</span>`,
  );
  return html`<td class="wide" title="${[promptLine, words].filter(Boolean).join('\n')}">${words && html`<span class="remark">${words}</span> `}${promptLine}${labels}</td>`;
}

/** Runs as they are given, each with a box to tick. */
export function runsTable({ runs, filter, now }: Pick<Overview, 'runs' | 'filter' | 'now'>): Html {
  if (runs.length === 0)
    return filter.isEmpty
      ? html`<div class="card"><p class="none">No run yet. Try: <code>agentpool run demo "say hello"</code></p></div>`
      : html`<div class="card"><p class="none">No run matches. <a href="/">Show all</a></p></div>`;
  return card(
    'Runs',
    html`<table><thead><tr><th scope="col"><span class="unseen">Tick</span></th><th scope="col">State</th><th scope="col">Agent</th><th scope="col" class="second">Run</th><th scope="col" class="second">Runner</th><th scope="col" class="second">Host</th><th scope="col" class="wide">Prompt</th><th scope="col" class="n second">Output</th><th scope="col" class="n second">Took</th><th scope="col" class="n">Queued</th></tr></thead>
<tbody>${runs.map((listed) => {
      const { run } = listed;
      return html`<tr id="run-${run.id}"><td class="tick"><input type="checkbox" name="run" value="${run.id}" aria-label="Tick run ${run.id}"></td><td>${stateMark(run.state)}</td><th scope="row" data-about="${remark(listed) || (listed.promptLine ?? '')}"><a href="/runs/${run.id}">${run.agentName}</a></th><td class="second"><code class="dim" title="${run.id}">${run.id.slice(0, 8)}</code></td><td class="second">${run.runner}</td><td class="second">${run.host ?? ''}</td>${aboutCell(listed)}<td class="n second">${size(run.outBytes + run.errBytes)}</td><td class="n second">${took(run, now)}</td><td class="n">${ago(run.queuedAt, now)}</td></tr>`;
    })}</tbody></table>`,
  );
}

/** One mark per slot, as far as they fit in a row. */
function slots({ running, capacity }: LivingWorker): Html | '' {
  if (capacity > 8 || running > capacity) return '';
  return html`<span class="slots" aria-hidden="true">${'●'.repeat(running)}<i>${'○'.repeat(capacity - running)}</i></span>`;
}

/** Who works, with how much room. */
export function workersTable({ workers, now }: Pick<Overview, 'workers' | 'now'>): Html {
  if (workers.length === 0)
    return html`<div class="card"><p class="none">No worker is alive. Start one: <code>agentpool worker</code></p></div>`;
  return card(
    'Workers',
    html`<table><thead><tr><th scope="col">Host</th><th scope="col">State</th><th scope="col">Busy</th><th scope="col" class="wide">Runners</th><th scope="col" class="n">Heartbeat</th></tr></thead>
<tbody>${workers.map((worker) => {
      const { id, host, alive, phase, problem, running, capacity, lastHeartbeatAt } = worker;
      const state = problem && alive && phase === 'ready' ? 'unhealthy' : phase;
      const offers = worker.runners.map(({ name, version }) => (version ? `${name} ${version}` : name)).join(', ');
      return html`<tr id="worker-${id}"><th scope="row" title="${id}, version ${worker.version}">${host}</th><td title="${problem?.message ?? ''}">${stateMark(alive || phase === 'left' ? state : 'silent')}</td><td>${slots(worker)}${running} of ${capacity}</td><td class="wide" title="${offers}">${offers}</td><td class="n">${ago(lastHeartbeatAt, now)}</td></tr>`;
    })}</tbody></table>`,
  );
}

/** What waits where; queues with nothing in them are only counted. */
export function queuesTable({ queues, workers }: Pick<Overview, 'queues' | 'workers'>): Html {
  const used = queues.filter(({ queue: _, ...counts }) => Object.values(counts).some((value) => value > 0));
  const empty = queues.length - used.length;
  const rest =
    empty === 0
      ? ''
      : html`<p class="none">${counted(empty, 'queue')} with nothing in ${empty === 1 ? 'it' : 'them'}.</p>`;
  if (used.length === 0)
    return html`<div class="card">${empty === 0 ? html`<p class="none">No queue yet.</p>` : rest}</div>`;
  return card(
    'Queues',
    html`<table><thead><tr><th scope="col">Queue</th><th scope="col">Served by</th><th scope="col" class="n">Waiting</th><th scope="col" class="n second">Delayed</th><th scope="col" class="n">Active</th><th scope="col" class="n second">Completed</th><th scope="col" class="n second">Failed</th></tr></thead>
<tbody>${used.map(({ queue, waiting, delayed, active, completed, failed }) => {
      const served = servedBy(workers, queue).length;
      return html`<tr id="queue-${queue}"><th scope="row"><a href="/queues/queue/${encodeURIComponent(queue)}">${queue}</a></th><td>${served === 0 ? html`<span class="orphaned">nobody</span>` : counted(served, 'worker')}</td>${number(waiting)}${number(delayed, 'second')}${number(active)}${number(completed, 'second')}${number(failed, 'second')}</tr>`;
    })}</tbody></table>${rest}`,
  );
}
