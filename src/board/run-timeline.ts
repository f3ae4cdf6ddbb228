import { html } from 'hono/html';
import { duration } from '../shared/measures.js';
import type { Html } from './layout.js';
import type { RunFacts } from './shown-run.js';
import { inWords } from './state-mark.js';

interface Moment {
  readonly at: number;
  readonly what: string;
}

/** When what happened to a run, in order, each with the time since the one before. */
export function timeline({ run, now }: RunFacts): Html {
  const { queuedAt, claimedAt, startedAt, orphanedAt, kill, endedAt, state, credentials, host } = run;
  const attempt = credentials && credentials.attempt > 1 ? `, try ${credentials.attempt} of ${credentials.of}` : '';
  const known: readonly (Moment | undefined)[] = [
    { at: queuedAt, what: 'queued' },
    claimedAt === undefined ? undefined : { at: claimedAt, what: `claimed by ${host ?? 'a worker'}` },
    startedAt === undefined ? undefined : { at: startedAt, what: `started${attempt}` },
    orphanedAt === undefined ? undefined : { at: orphanedAt, what: 'its worker fell silent' },
    kill && { at: kill.requestedAt, what: 'kill requested' },
    endedAt === undefined ? undefined : { at: endedAt, what: inWords(state) },
  ];
  const moments = known.filter((one) => one !== undefined).sort((a, b) => a.at - b.at);
  const goesOn =
    endedAt === undefined
      ? html`<li class="now">${inWords(state)} for ${duration(now - (moments.at(-1)?.at ?? now))}</li>`
      : '';
  return html`<ol class="timeline" aria-label="Timeline">${moments.map(({ at, what }, number) => {
    const before = moments[number - 1]?.at;
    const iso = new Date(at).toISOString();
    const after = before === undefined ? '' : html`<small>+${duration(at - before)}</small>`;
    return html`<li><time datetime="${iso}" title="${iso}">${what}</time>${after}</li>`;
  })}${goesOn}</ol>`;
}
