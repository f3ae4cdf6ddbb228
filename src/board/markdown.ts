import MarkdownIt from 'markdown-it';
import { plainText } from '../shared/plain-text.js';

// No HTML of others gets through, no picture is fetched from anywhere, and a link leads to the web or nowhere.
const markdown = new MarkdownIt('default', { html: false, linkify: true, breaks: true }).disable('image');
markdown.validateLink = (url) => /^(https?:|mailto:|#)/i.test(url.trim());
markdown.renderer.rules.link_open = (tokens, at, options, _env, self) => {
  tokens[at]?.attrSet('rel', 'noopener noreferrer nofollow');
  return self.renderToken(tokens, at, options);
};
// A page has headings of its own: those of an agent are below them.
markdown.renderer.rules.heading_open = (tokens, at) => `<p class="h ${tokens[at]?.tag}">`;
markdown.renderer.rules.heading_close = () => '</p>\n';

/** What a longer text costs is not worth it (characters): it is shown as it is. */
const MOST_CHARS = 200_000;

/** Markdown of others as HTML that is safe to show. */
export function markdownToHtml(text: string): string {
  const plain = plainText(text);
  if (plain.length > MOST_CHARS) return `<pre>${markdown.utils.escapeHtml(plain)}</pre>`;
  return markdown.render(plain);
}
