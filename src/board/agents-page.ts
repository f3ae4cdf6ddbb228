import { html } from 'hono/html';
import type { AgentLine } from '../client/agents.js';
import type { Tally } from '../client/usage.js';
import type { UnreadableAgent } from '../shared/agents/stored-profile.js';
import { count, duration } from '../shared/measures.js';
import { beginningOf, plainText } from '../shared/plain-text.js';
import { card } from './card.js';
import { type Html, layout } from './layout.js';
import { dollars, rateOf } from './tally-table.js';

/** An agent, with its system prompt if the viewer may see that. */
export type ShownAgent = Omit<AgentLine, 'variables'> & {
  readonly prompt?: string;
  readonly variables: readonly string[];
};

interface ShownAgents {
  readonly agents: readonly ShownAgent[];
  readonly unreadable: readonly UnreadableAgent[];
  /** What runs of the last week have come to, by agent name. */
  readonly tallies: readonly Tally[];
}

/** How much of a system prompt is shown (characters). */
const PROMPT_CHARS = 4_000;

function agentRow(agent: ShownAgent, tally: Tally | undefined): Html {
  const {
    name,
    runner,
    model = '',
    mode = '',
    description = '',
    prompt,
    labels = {},
    requires = [],
    variables,
    revision,
  } = agent;
  const about = [model, mode].filter(Boolean).join(', ');
  return html`<tr id="agent-${name}"><th scope="row"><a href="/?agent=${name}">${name}</a></th><td>${runner}${about && html` <span class="dim">${about}</span>`}</td><td class="wide"><details><summary>${description || 'no description'}</summary>${prompt === undefined ? '' : html`<pre tabindex="0">${plainText(beginningOf(prompt, PROMPT_CHARS))}</pre>`}${variables.length > 0 ? html`<p>Workers need ${variables.map((variable) => html`<code>${variable}</code> `)}</p>` : ''}${requires.length > 0 ? html`<p>Its runs require ${requires.join(', ')}</p>` : ''}<p>${Object.entries(labels).map(([key, value]) => html`<span class="label">${key}=${value}</span> `)} revision ${revision}</p></details></td><td class="n">${count(tally?.runs ?? 0)}</td><td class="n">${tally ? rateOf(tally) : ''}</td><td class="n second">${tally?.medianMs === undefined ? '' : duration(tally.medianMs)}</td><td class="n">${tally ? dollars(tally.usage) : ''}</td></tr>`;
}

/** The stored agents, with what their runs of the last week have come to. */
export function agentsPage({ agents, unreadable, tallies }: ShownAgents): Html {
  const tallyOf = (name: string) => tallies.find((tally) => tally.name === name);
  const table = html`<table><thead><tr><th scope="col">Agent</th><th scope="col">Runner</th><th scope="col" class="wide">What it is</th><th scope="col" class="n">Runs</th><th scope="col" class="n">Done</th><th scope="col" class="n second">Median</th><th scope="col" class="n">Cost</th></tr></thead><tbody>${agents.map((agent) => agentRow(agent, tallyOf(agent.name)))}</tbody></table>`;
  const none = html`<div class="card"><p class="none">No agent is stored. Try: <code>agentpool agents example glm | agentpool agents create coder --file -</code></p></div>`;
  const broken = unreadable.map(
    ({ name, problem }) => html`<div class="notice"><p>Agent ${name}: ${problem}</p></div>`,
  );
  const main = html`<div class="title"><h1>Agents</h1><p class="dim">runs, success and cost of the last 7 days</p></div>${broken}<section id="agents" aria-label="Agents">${agents.length === 0 ? none : card('Agents', table)}</section>`;
  return layout({ title: 'Agents · agentpool', here: '/agents', main, changes: false });
}
