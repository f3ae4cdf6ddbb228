import { describe, expect, it } from 'vitest';
import { markdownToHtml } from '../../../src/board/markdown.js';
import { createBlocks } from '../../../src/board/transcript-blocks.js';
import type { TranscriptEvent } from '../../../src/shared/transcript/transcript.js';

const said = (text: string, offset: number): TranscriptEvent => ({
  type: 'text',
  text,
  stream: 'stdout',
  offset,
  end: offset + 1,
  at: 1_000,
});
const piece = (text: string, offset: number): TranscriptEvent => ({
  ...said(text, offset),
  type: 'text',
  text,
  delta: true,
});
const htmlOf = async (blocks: ReturnType<ReturnType<typeof createBlocks>['take']>) =>
  (await Promise.all(blocks.map(({ html }) => html))).join('');

describe('a text on a page', () => {
  it('that comes in 30,000 pieces is made into HTML once, not once for each of them', async () => {
    const pieces = Array.from({ length: 30_000 }, (_, at) => piece(at % 2 === 0 ? '*a' : '* ', at));
    const blocks = createBlocks(0).take(pieces);
    expect(blocks).toHaveLength(1);
    expect((await htmlOf(blocks)).match(/<em>a<\/em>/g)).toHaveLength(15_000);
  });

  it('leaves others a turn of the event loop before the next one is made', async () => {
    const all = htmlOf(createBlocks(0).take(['one', 'two', 'three'].map((text, at) => said(`**${text}**`, at))));
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    expect(await all).toMatch(/<strong>one.*<strong>two.*<strong>three/s);
    over = true;
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  it('is shown as it is where a few kilobytes would become a megabyte', () => {
    const columns = 50;
    const table = `${'|a'.repeat(columns)}|\n${'|-'.repeat(columns)}|\n${'|x\n'.repeat(1_300)}`;
    expect(markdownToHtml(table).length).toBeLessThan(2 * table.length);
    expect(markdownToHtml('|a|b|\n|-|-|\n|1|2|\n')).toContain('<table>');
    expect(markdownToHtml('a **b** c')).toContain('<strong>b</strong>');
    expect(markdownToHtml('['.repeat(70_000))).toBe(`<pre>${'['.repeat(70_000)}</pre>`);
  });
});
