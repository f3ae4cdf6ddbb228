import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '4', AGENTPOOL_MAX_QUEUE_LENGTH: '20' });
oneWorker(place);
const mcp = oneMcp(place);

interface Answer extends Facts {
  readonly agents: readonly (Facts & { runId: string })[];
  readonly stillRunning: readonly string[];
}
/** A step that waits for a gate of this name, and what opens it. */
const until = (gate: string) => ({ until: join(place.work, gate) });
const open = (gate: string) => writeFileSync(join(place.work, gate), '');
const scripted = (list: Facts[], more: Facts = {}) => ({ runner: 'scripted', prompt: steps(...list), ...more });
const parallel = (agents: Facts[], more: Facts = {}) => mcp.call<Answer>('run_agents_parallel', { agents, ...more });
const runsThere = async () => (await mcp.call<{ runs: Facts[] }>('list_runs', { limit: 200 })).runs.length;
const endAll = async (runIds: readonly string[]) => {
  for (const runId of runIds) await mcp.call('kill_agent', { runId, graceMs: 100 });
};

describe('run_agents_parallel', () => {
  it('submits all, waits for all, and answers with a table of what became of each', async () => {
    const answer = await parallel([
      scripted([{ print: '{"result":"one"}\n' }], { taskId: 'first', agentName: 'a' }),
      scripted([{ pause: 300 }, { print: 'words\n' }, { exit: 3 }]),
      { runner: 'demo', mode: 'quick', prompt: 'lines 2', taskId: 'third' },
    ]);
    expect(answer).toMatchObject({ timedOut: false, stillRunning: [] });
    expect(answer.agents).toMatchObject([
      { taskId: 'first', runner: 'scripted', agentName: 'a', status: 'done', result: 'one', exitCode: 0 },
      { taskId: '2', status: 'failed', exitCode: 3, failure: { kind: 'exit' }, output: 'words\n' },
      { taskId: 'third', runner: 'demo', agentName: 'demo', status: 'done', result: expect.stringContaining('done') },
    ]);
    const { runId } = answer.agents[0] ?? {};
    expect(await mcp.call('get_agent_status', { runId })).toMatchObject({ status: 'done', result: 'one' });
  });

  it('with waitAll false answers at the first success, says which, and names what still runs', async () => {
    const answer = await parallel(
      [
        scripted([{ pause: 60_000 }], { taskId: 'slow' }),
        scripted([{ exit: 1 }], { taskId: 'fails' }),
        scripted([{ pause: 500 }, { print: '{"result":"here"}\n' }], { taskId: 'works' }),
      ],
      { waitAll: false },
    );
    expect(answer).toMatchObject({ firstDone: 'works', timedOut: false, hint: expect.stringContaining('wait_agent') });
    expect(answer.agents).toMatchObject([{ status: 'running' }, { status: 'failed' }, { result: 'here' }]);
    expect(answer.stillRunning).toEqual([answer.agents[0]?.runId]);
    await endAll(answer.stillRunning);
  });

  it('with waitAll false and no success answers when all have ended, and names none', async () => {
    const answer = await parallel([scripted([{ exit: 1 }]), scripted([{ exit: 2 }])], { waitAll: false });
    expect(answer.agents.map(({ exitCode }) => exitCode)).toEqual([1, 2]);
    expect(answer).not.toHaveProperty('firstDone');
    expect(answer.timedOut).toBe(false);
  });

  it('at its deadline is a success that names what still runs, and leaves it alone', async () => {
    const early = await parallel([scripted([until('early')]), scripted([until('early')])], { timeoutMs: 0 });
    expect(early).toMatchObject({ timedOut: true, stillRunning: early.agents.map(({ runId }) => runId) });
    open('early');
    const later = await mcp.call<{ runs: Facts[] }>('wait_agent', { runIds: early.stillRunning });
    expect(later.runs.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('refuses all of them for one bad entry, says which, and has submitted nothing', async () => {
    const before = await runsThere();
    const good = scripted([{ print: 'x' }]);
    const refusals = [
      [[good, { ...good, runner: 'clod', taskId: 'bad' }], 'unknown_runner', /agents\.1 \(taskId bad\): .*clod/],
      [[good, { ...good, path: 'relative' }], 'path_not_allowed', /agents\.1 \(taskId 2\): .*absolute/],
      [[good, { runner: 'demo' }], 'invalid_argument', /agents\.1\.prompt: it is missing/],
      [[good, { ...good, promt: 'x' }], 'invalid_argument', /no argument promt. Did you mean prompt/],
      [
        [
          { ...good, taskId: 'x' },
          { ...good, taskId: 'x' },
        ],
        'invalid_argument',
        /two entries are called "x"/,
      ],
      [[], 'invalid_argument', /agents/],
      [Array.from({ length: 51 }, () => good), 'invalid_argument', /agents/],
      [Array.from({ length: 21 }, () => good), 'queue_full', /full/],
    ] as const;
    for (const [agents, code, message] of refusals)
      await expect(parallel(agents as unknown as Facts[])).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    expect(await runsThere()).toBe(before);
  });

  it('given up by its client leaves the runs alone, and they are found by name', async () => {
    const given = new AbortController();
    const call = mcp.client.callTool(
      { name: 'run_agents_parallel', arguments: { agents: [scripted([until('given up')], { agentName: 'left' })] } },
      undefined,
      { signal: given.signal },
    );
    await eventually(
      () => mcp.call<{ runs: Facts[] }>('list_runs', { agentName: 'left' }),
      ({ runs }) => runs[0]?.status === 'running',
    );
    given.abort();
    await expect(call).rejects.toThrow();
    open('given up');
    expect(await mcp.call('wait_agent', { agentName: 'left' })).toMatchObject({ status: 'done' });
  });

  it('tells while it waits how many do what, and what those say that still run', async () => {
    const told: string[] = [];
    const wanted = '2 runs: 1 running, 1 failed\ntalker: running, 2 lines, two';
    const agents = [
      scripted([{ print: 'one\ntwo\n' }, until('told')], { agentName: 'talker' }),
      scripted([{ exit: 1 }]),
    ];
    await mcp.client.callTool({ name: 'run_agents_parallel', arguments: { agents } }, undefined, {
      onprogress: ({ message }) => {
        told.push(message ?? '');
        if (message === wanted) open('told');
      },
    });
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told[0]).toMatch(/^2 runs: /);
    expect(told).toContain(wanted);
  });

  it('warns of what no live worker can take', async () => {
    const answer = await parallel([{ runner: 'missing', prompt: 'x' }], { timeoutMs: 0 });
    expect(answer.agents).toMatchObject([{ status: 'queued', warning: expect.stringContaining('missing') }]);
    await endAll(answer.stillRunning);
  });

  it('answers within what a client takes when many results are long', async () => {
    const long = 'x'.repeat(40_000);
    const agents = Array.from({ length: 12 }, () => scripted([{ print: `${JSON.stringify({ result: long })}\n` }]));
    const answer = await parallel(agents);
    for (const agent of answer.agents) expect(agent).toMatchObject({ status: 'done', resultCut: true });
    expect(String(answer.agents[0]?.result).length).toBeGreaterThan(20_000);
  });
});

describe('stream_agent_output', () => {
  it('tells what the run does while it waits for output', async () => {
    const { runId } = await mcp.call<{ runId: string }>(
      'run_agent',
      scripted([{ print: 'one\n' }, until('heard'), { print: 'two\n' }], { agentName: 'slow-talker' }),
    );
    const first = await mcp.call<Facts>('stream_agent_output', { runId, waitMs: 10_000 });
    const told: string[] = [];
    const next = await mcp.client.callTool(
      { name: 'stream_agent_output', arguments: { runId, cursor: first.nextCursor, waitMs: 10_000 } },
      undefined,
      {
        onprogress: ({ message }) => {
          told.push(message ?? '');
          open('heard');
        },
      },
    );
    expect(next.structuredContent).toMatchObject({ output: 'two\n' });
    expect(told[0]).toBe('slow-talker: running, 1 line, one');
  });
});
