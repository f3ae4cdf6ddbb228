import { html } from 'hono/html';
import type { QueueCounts } from '../shared/queues/open.js';
import type { Run } from '../shared/run.js';
import type { LivingWorker } from '../shared/workers.js';

export interface Overview {
  readonly workers: readonly LivingWorker[];
  readonly queues: readonly QueueCounts[];
  readonly runs: readonly Run[];
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2026;--dim:#68707c;--line:#e3e6ea;--paper:#fbfbfc;--card:#fff;--good:#1a7f4b;--bad:#c0362c;--busy:#1868b7;--warn:#a06a00;--off:#7a4fb0}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--dim:#9aa3af;--line:#2b3038;--paper:#14171b;--card:#1b1f25;--good:#54c58a;--bad:#f0786d;--busy:#6cb2f5;--warn:#e0b050;--off:#b594e6}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem}header{display:flex;align-items:baseline;gap:1.25rem;margin-bottom:1.5rem}
h1{font-size:1.35rem;margin:0;letter-spacing:-.01em}h2{font-size:.8rem;text-transform:uppercase;letter-spacing:.06em;color:var(--dim);margin:1.75rem 0 .5rem}
a{color:var(--busy);text-decoration:none}a:hover{text-decoration:underline}section{background:var(--card);border:1px solid var(--line);border-radius:8px;overflow-x:auto}
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:500;color:var(--dim);font-size:.85rem}th,td{padding:.45rem .8rem;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font:13px ui-monospace,monospace}
.done{color:var(--good)}.failed{color:var(--bad)}.running{color:var(--busy)}.timed_out,.orphaned,.stopping{color:var(--warn)}.killed,.left{color:var(--off)}.queued{color:var(--dim)}.ready{color:var(--good)}.silent{color:var(--bad)}
p.none{color:var(--dim);padding:.8rem;margin:0}`;

const ago = (ms: number) => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
};

function workersTable({ workers, now }: Overview) {
  if (workers.length === 0)
    return html`<p class="none">No worker is alive. Start one: <code>agentpool worker</code></p>`;
  return html`<table>
    <tr><th>Host</th><th>State</th><th>Runners</th><th class="n">Running</th><th>Heartbeat</th></tr>
    ${workers.map(
      ({ host, alive, phase, runners, running, capacity, lastHeartbeatAt }) => html`<tr>
        <td>${host}</td><td class="${alive ? phase : 'silent'}">${alive ? phase : 'silent'}</td>
        <td>${runners.map(({ name, version }) => (version ? `${name} ${version}` : name)).join(', ')}</td>
        <td class="n">${running} of ${capacity}</td><td>${ago(now - lastHeartbeatAt)}</td></tr>`,
    )}
  </table>`;
}

function queuesTable({ queues }: Overview) {
  if (queues.length === 0) return html`<p class="none">No queue yet.</p>`;
  return html`<table>
    <tr><th>Queue</th><th class="n">Waiting</th><th class="n">Delayed</th><th class="n">Active</th><th class="n">Completed</th><th class="n">Failed</th></tr>
    ${queues.map(
      ({ queue, waiting, delayed, active, completed, failed }) => html`<tr>
        <td><a href="/queues/queue/${encodeURIComponent(queue)}">${queue}</a></td><td class="n">${waiting}</td><td class="n">${delayed}</td>
        <td class="n">${active}</td><td class="n">${completed}</td><td class="n">${failed}</td></tr>`,
    )}
  </table>`;
}

function runsTable({ runs, now }: Overview) {
  if (runs.length === 0) return html`<p class="none">No run yet. Try: <code>agentpool run demo "say hello"</code></p>`;
  return html`<table>
    <tr><th>Run</th><th>Agent</th><th>Runner</th><th>State</th><th>Host</th><th>Queued</th><th class="n">Output</th></tr>
    ${runs.map(
      ({ id, agentName, runner, state, host, queuedAt, outBytes, errBytes }) => html`<tr>
        <td><code>${id}</code></td><td>${agentName}</td><td>${runner}</td><td class="${state}">${state}</td>
        <td>${host ?? ''}</td><td>${ago(now - queuedAt)}</td><td class="n">${outBytes + errBytes} B</td></tr>`,
    )}
  </table>`;
}

/** The front page: who works, what waits, what ran last. Everything in it is escaped by the template. */
export function overviewPage(overview: Overview) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="refresh" content="5" />
        <title>agentpool</title>
        <link rel="icon" href="data:," />
        <style>${STYLE}</style>
      </head>
      <body>
        <main>
          <header><h1>agentpool</h1><a href="/queues">Queues</a></header>
          <h2>Workers</h2><section>${workersTable(overview)}</section>
          <h2>Queues</h2><section>${queuesTable(overview)}</section>
          <h2>Latest runs</h2><section>${runsTable(overview)}</section>
        </main>
      </body>
    </html>`;
}
