import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { steps } from './pool.js';
import type { Facts, McpSession } from './processes.js';

/** What `stream_agent_output` answers. */
export interface Page extends Facts {
  output: string;
  nextCursor: string;
  isComplete: boolean;
  hasMore: boolean;
  droppedBytes: number;
  lastTimestamp?: number;
}

/** Follows the cursor to the end and answers everything that came. */
export async function followAll(mcp: McpSession, runId: string, args: Facts): Promise<{ text: string; pages: Page[] }> {
  const pages: Page[] = [];
  for (let cursor: string | undefined; ; ) {
    const page: Page = await mcp.call<Page>('stream_agent_output', {
      runId,
      waitMs: 20_000,
      ...args,
      ...(cursor && { cursor }),
    });
    pages.push(page);
    if (page.isComplete) return { text: pages.map(({ output }) => output).join(''), pages };
    cursor = page.nextCursor;
  }
}

/** The numbered lines that the scripted program prints. */
export const numbered = (count: number, bytes = 100): string =>
  Array.from({ length: count }, (_, at) => {
    const number = `line ${String(at + 1).padStart(8, '0')} `;
    return `${number}${'x'.repeat(bytes - number.length - 1)}\n`;
  }).join('');
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

async function submit(mcp: McpSession, step: Facts): Promise<string> {
  return (await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(step) })).runId;
}

/** That so many lines of a run arrive exactly once, in pages of each of these sizes, and pages end with a line. */
export async function expectAllLines(mcp: McpSession, count: number, ...sizes: number[]): Promise<void> {
  const runId = await submit(mcp, { lines: { count } });
  const whole = sha(numbered(count));
  for (const maxBytes of sizes) {
    const { text, pages } = await followAll(mcp, runId, { maxBytes });
    expect(text.length).toBe(count * 100);
    expect(sha(text)).toBe(whole);
    expect(Math.max(...pages.map(({ output }) => output.length))).toBeLessThanOrEqual(maxBytes);
    expect(pages.filter(({ output }) => output !== '' && !output.endsWith('\n'))).toEqual([]);
  }
}

/** That one line of so many bytes arrives whole. */
export async function expectWholeLine(mcp: McpSession, bytes: number): Promise<void> {
  const runId = await submit(mcp, { fill: bytes });
  expect((await mcp.call('wait_agent', { runId })).status).toBe('done');
  const { text } = await followAll(mcp, runId, { maxBytes: 1_048_576 });
  expect(text.length).toBe(bytes);
  expect(/^y+$/.test(text)).toBe(true);
}
