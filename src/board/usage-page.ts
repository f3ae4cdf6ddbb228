import { html } from 'hono/html';
import type { Span, UsageReport } from '../client/usage.js';
import { count, counted } from '../shared/measures.js';
import { usageInWords } from '../shared/transcript/readable.js';
import { type Html, layout } from './layout.js';
import { rateOf, tallyTable } from './tally-table.js';

const LAST: readonly (readonly [string, string])[] = [
  ['1h', 'hour'],
  ['24h', 'day'],
  ['7d', 'week'],
  ['30d', 'month'],
];

const HEIGHT = 120;
const STEP = 20;

/** A bar for each span, with what became of its runs; a table for who cannot see it. */
function chart(spans: readonly Span[]): Html {
  const most = Math.max(1, ...spans.map(({ done, failed, others }) => done + failed + others));
  const bar = (at: number, below: number, value: number, name: string) => {
    const [top, height] = [HEIGHT - ((below + value) / most) * HEIGHT, (value / most) * HEIGHT];
    return value === 0
      ? ''
      : html`<rect class="${name}" x="${at * STEP + 3}" y="${top.toFixed(1)}" width="${STEP - 6}" height="${height.toFixed(1)}" rx="2"></rect>`;
  };
  const bars = spans.map(({ from, done, failed, others }, at) => {
    const words = `${new Date(from).toISOString().slice(0, 16).replace('T', ' ')}: ${counted(done + failed + others, 'run')}, ${done} done, ${failed} failed`;
    return html`<g><title>${words}</title><rect class="hover" x="${at * STEP}" y="0" width="${STEP}" height="${HEIGHT}"></rect>${bar(at, 0, done, 'is-done')}${bar(at, done, failed, 'is-failed')}${bar(at, done + failed, others, 'is-other')}</g>`;
  });
  return html`<div class="card chart"><svg viewBox="0 0 ${spans.length * STEP} ${HEIGHT}" role="img" aria-label="Runs over time, at most ${most} at once" preserveAspectRatio="none">${bars}</svg><p class="dim"><span class="state done">done</span> <span class="state failed">failed</span> <span class="state queued">others</span></p></div>`;
}

/** Runs, tokens and cost by agent, runner, principal and day, of what whoever looks may see. */
export function usagePage(
  { all, byAgent, byRunner, byPrincipal, byDay, spans, isPartial }: UsageReport,
  last: string,
): Html {
  const choice = LAST.map(
    ([value, words]) =>
      html`<a href="/usage?last=${value}"${value === last ? html` aria-current="true"` : ''}>${words}</a>`,
  );
  const agentLink = (name: string) => `/?agent=${encodeURIComponent(name)}`;
  const runnerLink = (name: string) => `/?runner=${encodeURIComponent(name)}`;
  const spent = usageInWords(all.usage);
  const main = html`<div class="title"><h1>Usage</h1><nav class="choice" aria-label="Time">the last ${choice}</nav></div>
${isPartial ? html`<div class="notice"><p>There are more runs than this page counts: these are the latest ${count(all.runs)}.</p></div>` : ''}
<p class="sum"><b>${count(all.runs)}</b> runs${rateOf(all) && html`, <b>${rateOf(all)}</b> done`}${spent && html`, <b>${spent}</b>`}</p>
<section aria-label="Runs over time">${chart(spans)}</section>
<section id="by-agent" aria-label="By agent">${tallyTable('Agent', byAgent, agentLink)}</section>
<section id="by-runner" aria-label="By runner">${tallyTable('Runner', byRunner, runnerLink)}</section>
<section id="by-principal" aria-label="By principal">${tallyTable('Principal', byPrincipal)}</section>
<section id="by-day" aria-label="By day">${tallyTable('Day (UTC)', byDay)}</section>`;
  return layout({ title: 'Usage · agentpool', here: '/usage', main, changes: false });
}
