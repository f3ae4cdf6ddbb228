import { expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import { callTool } from '../../../../src/mcp/call.js';
import type { Tool } from '../../../../src/mcp/tool.js';
import { streamAgentOutput } from '../../../../src/mcp/tools/stream-agent-output.js';
import { LOCAL } from '../../../../src/shared/principal.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

const place = onePlace();
const pool = onePool(place);

interface Page {
  readonly output: string;
  readonly nextCursor: string;
  readonly droppedBytes: number;
  readonly isComplete: boolean;
}

/** A run of ours that prints what we say. */
async function printing() {
  const id = newRunId();
  await pool.runs.create(id, 'runs.demo', { runner: 'demo', agentName: 'demo', prompt: 'p' });
  const { epoch } = await pool.runs.claim(id, 'worker', 'host');
  const at = { out: 0, err: 0 };
  return {
    async print(kind: 'out' | 'err', text: string) {
      const bytes = Buffer.from(text);
      await pool.runs.append({ id, epoch }, [{ kind, offset: at[kind], bytes }]);
      at[kind] += bytes.length;
    },
    nameSession: () => pool.runs.sessionKnown({ id, epoch }, 's1'),
    end: () => pool.runs.end(id, epoch, { state: 'done', exitCode: 0 }),
    async read(args: object): Promise<Page> {
      const asked = { runId: id, ...args };
      const context = { pool, principal: LOCAL, signal: new AbortController().signal, waitCapMs: 1_000 };
      const answer = await callTool(streamAgentOutput as unknown as Tool, asked, context);
      if (!answer.ok) throw new Error(answer.error.message);
      return answer.value as unknown as Page;
    },
  };
}

test('an escape sequence whose rest is still to come is held back, with what else was seen after it', async () => {
  const run = await printing();
  await run.print('out', 'plain \x1b[3');
  await run.nameSession();
  await run.print('err', 'a word on stderr\n');
  const first = await run.read({ stream: 'stdout' });
  expect(first.output).toBe('plain ');
  await run.print('out', '1mred\x1b[0m\n');
  const second = await run.read({ stream: 'stdout', cursor: first.nextCursor });
  expect(second).toMatchObject({ output: 'red\n', droppedBytes: 0 });
});

test('an escape sequence that came in three pieces is held back from its beginning on', async () => {
  const run = await printing();
  await run.print('out', 'plain \x1b');
  await run.print('out', '[3');
  const first = await run.read({});
  expect(first.output).toBe('plain ');
  await run.print('out', '1mred\n');
  expect((await run.read({ cursor: first.nextCursor })).output).toBe('red\n');
});

test('at the end of a run an unfinished escape sequence is output like any other, and not missing', async () => {
  const run = await printing();
  await run.print('out', 'cut off\x1b[3');
  await run.end();
  const page = await run.read({ encoding: 'utf8' });
  expect(page).toMatchObject({ droppedBytes: 0, isComplete: true });
  expect(page.output).toMatch(/^cut off/);
  expect((await run.read({ cursor: page.nextCursor })).output).toBe('');
});

test('a page that has room for nothing but a part of an escape sequence gets on all the same', async () => {
  const run = await printing();
  await run.print('out', `\x1b]8;;https://example.org/\x1b\\link`);
  let all = '';
  let cursor: string | undefined;
  for (let pages = 0; pages < 100 && !all.endsWith('link'); pages += 1) {
    const page = await run.read({ maxBytes: 3, ansi: false, ...(cursor !== undefined && { cursor }) });
    all += page.output;
    cursor = page.nextCursor;
  }
  expect(all).toMatch(/link$/);
});
