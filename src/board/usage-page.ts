import { html } from 'hono/html';
import type { UsageReport } from '../client/usage.js';
import { count } from '../shared/measures.js';
import { usageInWords } from '../shared/transcript/readable.js';
import { type Html, layout } from './layout.js';
import { runsChart } from './runs-chart.js';
import { rateOf, tallyTable } from './tally-table.js';

const LAST: readonly (readonly [string, string])[] = [
  ['1h', 'hour'],
  ['24h', 'day'],
  ['7d', 'week'],
  ['30d', 'month'],
];

/** Runs, tokens and cost by agent, runner, principal and day, of the runs that the viewer may see. */
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
<section aria-label="Runs over time">${runsChart(spans)}</section>
<section id="by-agent" aria-label="By agent">${tallyTable('Agent', byAgent, agentLink)}</section>
<section id="by-runner" aria-label="By runner">${tallyTable('Runner', byRunner, runnerLink)}</section>
<section id="by-principal" aria-label="By principal">${tallyTable('Principal', byPrincipal)}</section>
<section id="by-day" aria-label="By day">${tallyTable('Day (UTC)', byDay)}</section>`;
  return layout({ title: 'Usage · agentpool', here: '/usage', main, changes: false });
}
