import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { UserError } from '../shared/errors.js';
import { VERSION } from '../shared/version.js';
import { pageScript } from './page-script.js';
import { STYLE } from './style.js';

/** What the template gives: text in which everything that was put in is escaped. */
export type Html = ReturnType<typeof html>;

/** The pages that lead to everything else. */
const PAGES = [
  ['/', 'Runs'],
  ['/workers', 'Workers'],
  ['/agents', 'Agents'],
  ['/usage', 'Usage'],
] as const;
type Here = (typeof PAGES)[number][0];

/** One page of ours. */
export interface Page {
  readonly title: string;
  readonly here?: Here;
  readonly main: Html;
  /** What stands below it besides the version. */
  readonly foot?: Html;
  /** It has to be kept up to date. */
  readonly changes: boolean;
  /** It gets changes by events and need not reload itself. */
  readonly isLive?: boolean;
  /** For a viewer who is not logged in: without links to pages that need a login. */
  readonly forStranger?: boolean;
  /** It is the page of this run. */
  readonly runId?: string;
}

/** How often an open page looks again (ms). */
const REFRESH_MS = 2_000;

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the content security policy has to allow of styles, and nothing else. */
export const STYLE_HASH = hashOf(STYLE);

const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="#0b5cad"/><rect x="5" y="6" width="14" height="3" rx="1.5" fill="#fff" opacity=".55"/><rect x="5" y="10.5" width="14" height="3" rx="1.5" fill="#fff" opacity=".8"/><rect x="5" y="15" width="8" height="3" rx="1.5" fill="#7ee2a8"/></svg>`;

/** The mark of agentpool as an address of an image. */
export const MARK_URL = `data:image/svg+xml,${encodeURIComponent(MARK)}`;

/** The frame of every page of ours. Without scripts it is loaded again as a whole. */
export function layout({ title, here, main, foot, changes, isLive = false, forStranger = false, runId }: Page) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="${MARK_URL}">
${changes ? html`<noscript><meta http-equiv="refresh" content="5"></noscript>` : ''}
<style>${raw(STYLE)}</style>
${forStranger ? '' : html`<script type="module" src="${pageScript().path}"></script>`}
</head>
<body${changes && !isLive ? html` data-refresh-ms="${REFRESH_MS}"` : ''}${runId === undefined ? '' : html` data-run="${runId}"`}>
<p id="stale" role="status" hidden></p>
<header>
<a class="brand" href="/">${raw(MARK)}agentpool</a>
${forStranger ? '' : html`<nav aria-label="Pages">${PAGES.map(([path, name]) => html`<a href="${path}"${here === path ? raw(' aria-current="page"') : ''}>${name}</a>`)}<a href="/queues">Queues</a></nav>`}
</header>
<main>${main}</main>
<footer><span>agentpool ${VERSION}</span>${foot ?? ''}</footer>
</body>
</html>`;
}

/** A page that says what was wrong about what was asked. */
export const wrongUsePage = ({ message, hint }: Pick<UserError, 'message' | 'hint'>) =>
  failurePage('That did not work', `${message}. ${hint}`);

/** A page for a viewer who is not logged in, or no longer. */
export function strangerPage(message: string) {
  const main = html`<div class="title"><h1>Access denied</h1></div><div class="notice error" role="alert"><p>${message}.</p></div>
<p>If the browser asks for a name and a password, enter any name, and the token as the password.</p>`;
  return layout({ title: 'Access denied · agentpool', main, changes: false, forStranger: true });
}

/** A page that says what went wrong; with `changes` it tries again by itself. */
export function failurePage(title: string, what: string, changes = false) {
  const main = html`<div class="title"><h1>${title}</h1></div><div class="notice error" role="alert"><p>${what}</p></div>`;
  return layout({ title: `${title} · agentpool`, main, changes });
}
