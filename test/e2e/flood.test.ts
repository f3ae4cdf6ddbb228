import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '8', AGENTPOOL_MAX_OUTPUT_BYTES: String(8 * 1024 * 1024) });
const runners = {
  shell: { command: 'sh' },
  'shell-json': { command: 'sh', output: { format: 'json-lines', result: 'result', sessionId: 'session' } },
};
writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners }));
oneWorker(place);
const mcp = oneMcp(place);

const BYTES = 400_000_000;

const submit = async (prompt: string, runner = 'shell') =>
  (await mcp.call<{ runId: string }>('run_agent', { runner, prompt })).runId;
const status = (runId: string) =>
  mcp.call<Facts & { outputBytes: number; status: string }>('get_agent_status', { runId });

interface Page {
  readonly output: string;
  readonly nextCursor: string;
  readonly isComplete: boolean;
}

/** How late (ms) each line of a run that prints the time arrives at a client that follows it. */
async function lagsOf(runId: string, count: number): Promise<number[]> {
  const lags: number[] = [];
  for (let cursor: string | undefined; lags.length < count; ) {
    const page: Page = await mcp.call<Page>('stream_agent_output', { runId, waitMs: 5_000, ...(cursor && { cursor }) });
    const now = Date.now();
    for (const line of page.output.split('\n')) if (line !== '') lags.push(now - Number(line));
    cursor = page.nextCursor;
    if (page.isComplete) break;
  }
  return lags;
}

describe('runs that flood', () => {
  it('keep neither a neighbour nor a heartbeat nor a kill waiting', async () => {
    const flood = `yes '{"a":' | head -c ${BYTES}; exec sleep 600`;
    const floods = [await submit(flood), await submit(flood), await submit(flood, 'shell-json')];
    await eventually(async () => (await status(floods[2] ?? '')).outputBytes > 0);
    const neighbour = await submit('i=0; while [ $i -lt 40 ]; do date +%s%3N; sleep 0.1; i=$((i+1)); done');
    const lags = (await lagsOf(neighbour, 40)).sort((a, b) => a - b);
    console.info(
      `three runs flood: a neighbour's lines are seen after ${lags[20]} ms (median), ${lags.at(-1)} ms (worst)`,
    );
    const { workers } = await mcp.call<{ workers: { lastHeartbeatAt: number; alive: boolean }[] }>('pool_status', {});
    expect(workers.map(({ alive }) => alive)).toEqual([true]);
    const killed = await Promise.all(
      floods.map((runId) => mcp.call<{ killed: boolean; status: string }>('kill_agent', { runId, graceMs: 5_000 })),
    );
    expect(killed.map((answer) => [answer.killed, answer.status])).toEqual(floods.map(() => [true, 'killed']));
    const kept = await Promise.all(floods.map(status));
    for (const { outputBytes } of kept) expect(outputBytes).toBe(BYTES);
    expect(lags.at(-1)).toBeLessThan(5_000); // a machine that does ten other things; alone it is below 100
  }, 300_000);

  it('tell how much of them is not kept, and the end is there', async () => {
    const runId = await submit(`yes | head -c ${BYTES}; echo; echo the end`);
    await mcp.call('wait_agent', { runId, timeoutMs: 100_000 });
    const { outputBytes, droppedBytes, outputTail, result } = await status(runId);
    expect(outputBytes).toBe(BYTES + 9);
    expect(droppedBytes).toBeGreaterThan(BYTES - 9_000_000);
    expect(droppedBytes).toBeLessThan(BYTES);
    expect(outputTail).toBe(''); // the result has it
    expect(String(result)).toMatch(/the end$/);
  }, 300_000);

  it('have their findings when messages stand between the words', async () => {
    const runId = await submit(
      `yes | head -c ${BYTES / 4}; echo; echo '{"session":"s-flood"}'; yes | head -c ${BYTES / 4}; echo; echo '{"result":"found"}'`,
      'shell-json',
    );
    await mcp.call('wait_agent', { runId, timeoutMs: 100_000 });
    expect(await status(runId)).toMatchObject({ status: 'done', result: 'found', sessionId: 's-flood' });
  }, 300_000);
});

describe('a program that opens its own output anew', () => {
  it('and so empties the file loses nothing that was shipped, and its result is found', async () => {
    const runId = await submit(
      'echo one; sleep 1; echo warning >/dev/stdout; echo two; sleep 1; echo error >/dev/stderr; echo \'{"result":"r"}\'',
      'shell-json',
    );
    await mcp.call('wait_agent', { runId });
    const all = await status(runId);
    expect(all).toMatchObject({ status: 'done', result: 'r', droppedBytes: 0 });
    const { output } = await mcp.call<Page>('stream_agent_output', { runId });
    expect(output.split('\n').sort()).toEqual(['', 'error', 'one', 'two', 'warning', '{"result":"r"}']);
  });
});
