import { setImmediate as nextTurn } from 'node:timers/promises';
import MarkdownIt from 'markdown-it';
import { plainText } from '../shared/plain-text.js';

// No HTML of others gets through, no picture is fetched from anywhere, and a link leads to the web or nowhere.
const markdown = new MarkdownIt('default', { html: false, linkify: true, breaks: true }).disable('image');
markdown.validateLink = (url) => /^(https?:|mailto:|#)/i.test(url.trim());
markdown.renderer.rules.link_open = (tokens, at, options, _env, self) => {
  tokens[at]?.attrSet('rel', 'noopener noreferrer nofollow');
  return self.renderToken(tokens, at, options);
};
// The page has headings of its own: headings in an agent's text are shown at lower levels.
markdown.renderer.rules.heading_open = (tokens, at) => `<p class="h ${tokens[at]?.tag}">`;
markdown.renderer.rules.heading_close = () => '</p>\n';

/** What a longer text costs is not worth it (characters): it is shown as it is. */
const MOST_CHARS = 64_000;
/** So is a table of more cells: a few kilobytes that say how many columns there are become a megabyte. */
const MOST_CELLS = 5_000;
/** The line below the head of a table. */
const DELIMITERS = /^[ \t]*\|?[ \t]*:?-[-:| \t]*$/;

/** More cells than all tables of a text can have, which are filled up where a line has fewer. */
function cellsIn(text: string): number {
  const lines = text.split('\n');
  const columns = lines.reduce(
    (most, line) => (DELIMITERS.test(line) ? Math.max(most, line.split('|').length) : most),
    0,
  );
  return columns * lines.length;
}

/** Markdown of others as HTML that is safe to show. */
export function markdownToHtml(text: string): string {
  const plain = plainText(text);
  if (plain.length > MOST_CHARS || cellsIn(plain) > MOST_CELLS) return `<pre>${markdown.utils.escapeHtml(plain)}</pre>`;
  return markdown.render(plain);
}

let last: Promise<void> = Promise.resolve();

/**
 * The same, each text in a turn of the event loop of its own: some texts take a tenth of a second, and a page may show
 * many of them while others wait for something else.
 */
export async function markdownInTurn(text: string): Promise<string> {
  last = last.then(() => nextTurn());
  await last;
  return markdownToHtml(text);
}
