import { html } from 'hono/html';

/** A state in words. */
export const inWords = (state: string) => state.replaceAll('_', ' ');

/** A state of a run or a worker with its mark, so that it is never shown by colour alone. */
export const stateMark = (state: string) => html`<span class="state ${state}">${inWords(state)}</span>`;
