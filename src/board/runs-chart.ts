import { html } from 'hono/html';
import type { Span } from '../client/usage.js';
import { counted } from '../shared/measures.js';
import type { Html } from './layout.js';

const HEIGHT = 120;
const STEP = 20;

/** A bar for each span, with what became of its runs; `more` stands beside the words for the colours. */
export function runsChart(spans: readonly Span[], more: Html | '' = ''): Html {
  const most = Math.max(1, ...spans.map(({ done, failed, others }) => done + failed + others));
  const bar = (at: number, below: number, value: number, name: string) => {
    const [top, height] = [HEIGHT - ((below + value) / most) * HEIGHT, (value / most) * HEIGHT];
    return value === 0
      ? ''
      : html`<rect class="${name}" x="${at * STEP + 3}" y="${top.toFixed(1)}" width="${STEP - 6}" height="${height.toFixed(1)}"></rect>`;
  };
  const bars = spans.map(({ from, done, failed, others }, at) => {
    const words = `from ${new Date(from).toISOString().slice(0, 16).replace('T', ' ')} UTC: ${counted(done + failed + others, 'run')}, ${done} done, ${failed} failed`;
    return html`<g><title>${words}</title><rect class="hover" x="${at * STEP}" y="0" width="${STEP}" height="${HEIGHT}"></rect>${bar(at, 0, done, 'is-done')}${bar(at, done, failed, 'is-failed')}${bar(at, done + failed, others, 'is-other')}</g>`;
  });
  return html`<div class="card chart"><svg viewBox="0 0 ${spans.length * STEP} ${HEIGHT}" role="img" aria-label="Runs over time, at most ${most} in one bar" preserveAspectRatio="none">${bars}</svg><p class="dim"><span class="state done">done</span> <span class="state failed">failed</span> <span class="state queued">others</span>${more}</p></div>`;
}
