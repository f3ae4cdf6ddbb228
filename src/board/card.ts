import { html } from 'hono/html';
import type { Html } from './layout.js';

/** A table that scrolls by itself on a narrow screen, also by keyboard. */
export const card = (label: string, table: Html) =>
  html`<div class="card" role="group" aria-label="${label}" tabindex="0">${table}</div>`;
