import { html } from 'hono/html';
import type { Tally } from '../client/usage.js';
import { count, duration } from '../shared/measures.js';
import type { Usage } from '../shared/run.js';
import { card } from './card.js';
import type { Html } from './layout.js';

/** Money, in two digits that say something. */
export const dollars = ({ costUsd }: Usage) =>
  costUsd === undefined ? '' : `$${costUsd >= 1 ? costUsd.toFixed(2) : Number(costUsd.toPrecision(2))}`;

/** The share of runs that are done among those that ended by themselves. */
export function rateOf({ done, failed }: Tally): string {
  const ended = done + failed;
  return ended === 0 ? '' : `${Math.round((100 * done) / ended)} %`;
}

const tokens = (value: number | undefined) => (value === undefined ? '' : count(value));

/** What some groups of runs have come to; `linkOf` leads from a name to its runs. */
export function tallyTable(label: string, tallies: readonly Tally[], linkOf?: (name: string) => string): Html {
  const rows = tallies.map((tally) => {
    const { name, runs, failed, killed, medianMs, usage } = tally;
    const shown = linkOf ? html`<a href="${linkOf(name)}">${name}</a>` : name;
    return html`<tr><th scope="row">${shown}</th><td class="n">${count(runs)}</td><td class="n">${rateOf(tally)}</td><td class="n second">${failed === 0 ? '' : count(failed)}</td><td class="n second">${killed === 0 ? '' : count(killed)}</td><td class="n second">${medianMs === undefined ? '' : duration(medianMs)}</td><td class="n second">${tokens(usage.inputTokens)}</td><td class="n second">${tokens(usage.outputTokens)}</td><td class="n">${dollars(usage)}</td></tr>`;
  });
  return card(
    label,
    html`<table><thead><tr><th scope="col">${label}</th><th scope="col" class="n">Runs</th><th scope="col" class="n">Done</th><th scope="col" class="n second">Failed</th><th scope="col" class="n second">Killed</th><th scope="col" class="n second">Median</th><th scope="col" class="n second">Tokens in</th><th scope="col" class="n second">Tokens out</th><th scope="col" class="n">Cost</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
}
