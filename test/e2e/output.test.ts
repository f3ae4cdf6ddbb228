import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { expectAllLines, expectWholeLine, followAll, numbered, type Page } from '../support/follow-output.js';
import { makePlace, steps } from '../support/pool.js';
import { eventually, type Facts, openMcp, startWorkerProcess } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '4' });
oneWorker(place);
const mcp = oneMcp(place);

const submit = async (...list: Facts[]) => {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list) });
  return runId;
};
const ended = (runId: string) => mcp.call<Facts & { status: string }>('wait_agent', { runId });

describe('the output of a run', () => {
  it('arrives exactly once, whatever the size of the pages', async () => {
    await expectAllLines(mcp, 20_000, 1_048_576, 32_768);
    await expectAllLines(mcp, 2_000, 1_024); // each of its pages is a call
  });

  it('since a time between two lines is exactly the later lines', async () => {
    const runId = await submit(
      { print: 'one\ntwo\n' },
      { until: join(place.work, 'seen') },
      { print: 'three\n' },
      { pause: 50 },
      { print: 'four\n' },
    );
    const first = await eventually(
      () => mcp.call<Page>('stream_agent_output', { runId }),
      ({ output }) => output === 'one\ntwo\n',
    );
    const between = Date.now();
    expect(first.lastTimestamp).toBeLessThanOrEqual(between);
    await eventually(() => Date.now() > between); // the clock counts milliseconds
    writeFileSync(join(place.work, 'seen'), '');
    await ended(runId);
    const later = await mcp.call<Page>('stream_agent_output', { runId, sinceTimestamp: between });
    expect(later.output).toBe('three\nfour\n');
    const strictly = await mcp.call<Page>('stream_agent_output', { runId, sinceTimestamp: first.lastTimestamp });
    expect(strictly.output).toBe('three\nfour\n');
    const all = await mcp.call<Page>('stream_agent_output', { runId, sinceTimestamp: 0 });
    expect(all.output).toBe('one\ntwo\nthree\nfour\n');
  });

  it('is gathered for who follows: 100 lines take few calls, and no wait outlasts the end', async () => {
    const runId = await submit({ lines: { count: 100, everyMs: 40 } }, { pause: 300 });
    const { text, pages } = await followAll(mcp, runId, { waitMs: 30_000 });
    const bytes = pages.reduce((sum, page) => sum + JSON.stringify(page).length, 0);
    process.stdout.write(`100 lines in 4 s: ${pages.length} calls, ${bytes} bytes for ${text.length}\n`);
    expect(text).toBe(numbered(100));
    expect(pages.length).toBeLessThan(20);
    const full = await submit({ lines: { count: 100, everyMs: 40 } });
    const first = await mcp.call<Page>('stream_agent_output', { runId: full, waitMs: 30_000, maxBytes: 200 });
    expect(first).toMatchObject({ output: numbered(2), isComplete: false });
  });

  it('never divides a character, however it was written and is read', async () => {
    const text = 'aä€😀'.repeat(3_000);
    const bytes = Buffer.from(text);
    const pieces = [bytes.subarray(0, 7), bytes.subarray(7, 11_111), bytes.subarray(11_111)];
    const runId = await submit(
      ...pieces.flatMap((piece) => [{ printBase64: piece.toString('base64') }, { pause: 60 }]),
    );
    for (const maxBytes of [1, 5, 1_000, 65_536]) {
      const query = maxBytes < 10 ? { maxBytes, tailBytes: 400 } : { maxBytes };
      if (maxBytes < 10) {
        const page = await mcp.call<Page>('stream_agent_output', { runId, maxBytes, waitMs: 5_000 });
        expect(text.startsWith(page.output)).toBe(true);
        expect(page.output.length).toBeGreaterThan(0);
      } else expect((await followAll(mcp, runId, query)).text).toBe(text);
    }
    const { output } = await mcp.call<Page>('stream_agent_output', { runId, tailBytes: 6 });
    expect(text.endsWith(output)).toBe(true);
    expect(output).not.toContain('\ufffd');
  });

  it('comes through exactly when it is binary, and 5 MB in one line', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
    const binary = await submit({ printBase64: bytes.toString('base64') });
    await ended(binary);
    const page = await mcp.call<Page>('stream_agent_output', { runId: binary, encoding: 'base64', maxBytes: 100_000 });
    expect(Buffer.from(page.output, 'base64').equals(bytes)).toBe(true);
    await expectWholeLine(mcp, 5_000_000);
  });

  it('is refused to the cursor of another run, with the run it belongs to, and given to one of the release before', async () => {
    const [one, other] = await Promise.all([submit({ print: 'one\n' }), submit({ print: 'other\n' })]);
    await Promise.all([ended(one), ended(other)]);
    const { nextCursor: cursor } = await mcp.call<Page>('stream_agent_output', { runId: one });
    for (const view of ['raw', 'events'])
      await expect(mcp.call('stream_agent_output', { runId: other, view, cursor })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(`belongs to run ${one}, not to ${other}`),
        hint: expect.stringContaining(one),
      });
    const before = cursor.split('_').slice(0, 3).join('_');
    const page = await mcp.call<Page>('stream_agent_output', { runId: one, cursor: before });
    expect(page).toMatchObject({ output: '', isComplete: true });
  });

  it('is given by stream, with the tail, and without escape sequences unless wanted', async () => {
    const gates = ['red is there', 'trouble is there'].map((name) => join(place.work, name));
    const [first = '', second = ''] = gates;
    const runId = await submit(
      { print: '\u001b[31mred\u001b[0m\n' },
      { until: first },
      { printError: 'trouble\n' },
      { until: second },
      { print: 'end\n' },
    );
    const read = async (args: Facts) => (await mcp.call<Page>('stream_agent_output', { runId, ...args })).output;
    // What comes in two files at one moment has no order.
    for (const [at, gate] of gates.entries()) {
      await eventually(
        () => read({}),
        (text) => text.split('\n').length === at + 2,
      );
      writeFileSync(gate, '');
    }
    await ended(runId);
    expect(await read({})).toBe('red\ntrouble\nend\n');
    expect(await read({ stream: 'stdout', ansi: true })).toBe('\u001b[31mred\u001b[0m\nend\n');
    expect(await read({ stream: 'stderr' })).toBe('trouble\n');
    expect(await read({ tailBytes: 4 })).toBe('end\n');
    expect(await read({ tail: 1 })).toBe('end\n');
    expect(await read({ tail: 2 })).toBe('trouble\nend\n');
    expect(await read({ tail: 9, stream: 'stdout' })).toBe('red\nend\n');
    expect(await read({ tail: 2, tailBytes: 7 })).toBe('end\n');
  });

  it('beyond the cap is dropped from the beginning, and every reader is told how much', async () => {
    const small = makePlace({ AGENTPOOL_MAX_OUTPUT_BYTES: '262144' });
    const own = await startWorkerProcess(small);
    const client = await openMcp(small);
    try {
      const { runId } = await client.call<{ runId: string }>('run_agent', {
        runner: 'scripted',
        prompt: steps({ lines: { count: 100, everyMs: 1 } }, { until: 'read' }, { lines: { count: 20_000 } }),
      });
      const early = await eventually(
        () => client.call<Page>('stream_agent_output', { runId }),
        ({ output }) => output.length === 10_000,
      );
      writeFileSync(join(small.work, 'read'), '');
      await client.call('wait_agent', { runId });
      const fresh = await client.call<Page>('stream_agent_output', { runId, maxBytes: 1_048_576 });
      expect(fresh.droppedBytes + fresh.output.length).toBe(2_010_000);
      expect(fresh.output.length).toBeLessThanOrEqual(262_144);
      expect(fresh.output.length).toBeGreaterThan(200_000);
      expect(numbered(20_000).endsWith(fresh.output)).toBe(true);
      const late = await client.call<Page>('stream_agent_output', {
        runId,
        cursor: early.nextCursor,
        maxBytes: 1_048_576,
      });
      expect(late.output).toBe(fresh.output);
      expect(late.droppedBytes).toBe(fresh.droppedBytes - 10_000);
      expect(late.truncatedBefore).toBeGreaterThan(early.lastTimestamp ?? 0);
      expect(late.droppedBy).toBe('AGENTPOOL_MAX_OUTPUT_BYTES');
      expect(await client.call('get_agent_status', { runId })).toMatchObject({
        droppedBytes: fresh.droppedBytes,
        droppedBy: 'AGENTPOOL_MAX_OUTPUT_BYTES',
      });
    } finally {
      await client.close();
      await own.end();
      small.clean();
    }
  });
});
