import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { makePlace, type Place } from '../support/pool.js';
import { eventually, type Facts, MAIN, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';
import { spoolsOf } from '../support/spools.js';

const BYTES = 400_000_000;
const QUOTA = 50_000_000;
const runners = {
  shell: { command: 'sh' },
  'shell-json': { command: 'sh', output: { format: 'json-lines', result: 'result', sessionId: 'session' } },
};
const settings = { AGENTPOOL_CONCURRENCY: '8', AGENTPOOL_MAX_OUTPUT_BYTES: String(8 * 1024 * 1024) };
const withRunners = (of: Place) => writeFileSync(String(of.env.AGENTPOOL_CONFIG), JSON.stringify({ runners }));

const place = onePlace(settings);
withRunners(place);
oneWorker(place);
const mcp = oneMcp(place);

/** What one client asks of its runs. */
function asking(client: McpSession) {
  const status = (runId: string) =>
    client.call<Facts & { outputBytes: number; status: string }>('get_agent_status', { runId });
  return {
    submit: async (prompt: string, runner = 'shell') =>
      (await client.call<{ runId: string }>('run_agent', { runner, prompt })).runId,
    status,
    hasPrinted: (runId: string) => eventually(async () => (await status(runId)).outputBytes > 0),
    kill: (runId: string, graceMs = 5_000) =>
      client.call<{ killed: boolean; status: string }>('kill_agent', { runId, graceMs }),
    living: async () =>
      (await client.call<{ workers: { alive: boolean; worker: string }[] }>('pool_status', {})).workers
        .filter(({ alive }) => alive)
        .map(({ worker }) => worker),
  };
}
const { submit, status, hasPrinted, kill, living } = asking(mcp);

interface Page {
  readonly output: string;
  readonly nextCursor: string;
  readonly isComplete: boolean;
}

const TICKS = 'i=0; while [ $i -lt 40 ]; do date +%s%3N; sleep 0.1; i=$((i+1)); done';

/** How late (ms) lines of a run that prints the time are shown to whoever follows it, from his first one on; shortest first. */
async function lagsOf(runId: string): Promise<number[]> {
  const follower = spawn(process.execPath, [MAIN, 'logs', '--follow', runId], { cwd: place.work, env: place.env });
  const lines: { printedAt: number; seenAt: number }[] = [];
  for await (const line of createInterface(follower.stdout))
    lines.push({ printedAt: Number(line), seenAt: Date.now() });
  expect(lines).toHaveLength(40);
  const followedFrom = lines[0]?.seenAt ?? 0;
  const live = lines.filter(({ printedAt }) => printedAt >= followedFrom);
  return live.map(({ printedAt, seenAt }) => seenAt - printedAt).sort((one, other) => one - other);
}

describe('runs that flood', () => {
  it('keep neither a neighbour nor a heartbeat nor a kill waiting', async () => {
    const flood = `yes '{"a":' | head -c ${BYTES}; exec sleep 600`;
    const floods = [await submit(flood), await submit(flood), await submit(flood, 'shell-json')];
    await hasPrinted(floods[2] ?? '');
    const lags = await lagsOf(await submit(TICKS));
    expect(lags.length).toBeGreaterThan(5);
    const median = lags[Math.floor(lags.length / 2)];
    console.info(
      `three runs flood: a neighbour's lines are seen after ${median} ms (median), ${lags.at(-1)} ms (worst)`,
    );
    expect(await living()).toHaveLength(1);
    const killed = await Promise.all(floods.map((runId) => kill(runId)));
    expect(killed.map((answer) => [answer.killed, answer.status])).toEqual(floods.map(() => [true, 'killed']));
    const kept = await Promise.all(floods.map(status));
    for (const { outputBytes } of kept) expect(outputBytes).toBe(BYTES);
    expect(lags.at(-1)).toBeLessThan(5_000); // a machine that does ten other things; bench/flood.mjs has the figure
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

describe('a host where runs flood', () => {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanUp.splice(0).reverse()) await clean();
  });

  async function open(extra: Readonly<Record<string, string>> = {}) {
    const of = makePlace({ ...settings, AGENTPOOL_HOST_NAME: 'here', ...extra });
    cleanUp.push(of.clean);
    withRunners(of);
    const client = await openMcp(of);
    cleanUp.push(client.close);
    const startWorker = async () => {
      const worker = await startWorkerProcess(of);
      cleanUp.push(() => worker.child.exitCode === null && worker.child.signalCode === null && worker.end('SIGKILL'));
      return worker;
    };
    return { of, client, startWorker, ...asking(client) };
  }

  /** What the output of all runs takes of the disk (bytes). */
  const spooled = (of: Place) =>
    spoolsOf(of)
      .flatMap((spool) => ['stdout', 'stderr'].map((name) => join(spool, name)))
      .reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);

  it('and whose worker is killed: the next one lives, has all of them, and ends them', async () => {
    const host = await open();
    const first = await host.startWorker();
    const neighbour = await host.submit(`${TICKS}; echo the end`);
    const flood = `yes '{"a":' | head -c ${BYTES}; exec sleep 600`;
    const floods = [await host.submit(flood), await host.submit(flood), await host.submit(flood, 'shell-json')];
    await Promise.all(floods.map(host.hasPrinted));
    await first.end('SIGKILL');
    await host.startWorker();
    expect(await host.client.call<Facts>('wait_agent', { runId: neighbour })).toMatchObject({ status: 'done' });
    const { output } = await host.client.call<Page>('stream_agent_output', { runId: neighbour });
    expect(output.trim().split('\n')).toHaveLength(41); // none is missing, none came twice
    expect(await host.living()).toHaveLength(1);
    const killed = await Promise.all(floods.map((runId) => host.kill(runId)));
    expect(killed.map((answer) => [answer.killed, answer.status])).toEqual(floods.map(() => [true, 'killed']));
    for (const runId of floods) expect(processesOf(runId)).toEqual([]);
  }, 300_000);

  it('keeps its quota: they fail, what they took is given back, and the others go on', async () => {
    const host = await open({ AGENTPOOL_SPOOL_QUOTA_BYTES: String(QUOTA) });
    await host.startWorker();
    const neighbour = await host.submit(`echo a; sleep 600`);
    await host.hasPrinted(neighbour);
    // One of them is deaf, and somebody has asked for its end with all the time in the world.
    const deaf = await host.submit(`trap '' TERM; echo deaf; sleep 1; exec yes`);
    await host.hasPrinted(deaf);
    const patient = host.kill(deaf, 600_000);
    const floods = await Promise.all([host.submit('yes'), host.submit('yes >&2')]);
    for (const runId of floods)
      expect(await host.client.call<Facts>('wait_agent', { runId })).toMatchObject({
        status: 'failed',
        failure: { kind: 'spool' },
      });
    expect(await patient).toMatchObject({ killed: true });
    // Not only when the spools go, some seconds later.
    await eventually(() => spooled(host.of) < QUOTA);
    for (const runId of [...floods, deaf]) expect(processesOf(runId)).toEqual([]);
    expect((await host.status(neighbour)).status).toBe('running');
    await host.kill(neighbour);
  }, 300_000);

  it('keeps its quota when its worker has just come', async () => {
    const host = await open();
    const first = await host.startWorker();
    const floods = await Promise.all([host.submit('yes'), host.submit('yes'), host.submit('yes')]);
    await Promise.all(floods.map(host.hasPrinted));
    await first.end('SIGKILL');
    host.of.env.AGENTPOOL_SPOOL_QUOTA_BYTES = String(QUOTA);
    await host.startWorker();
    for (const runId of floods)
      expect(await host.client.call<Facts>('wait_agent', { runId })).toMatchObject({
        status: 'failed',
        failure: { kind: 'spool' },
      });
    await eventually(() => spooled(host.of) < QUOTA);
    for (const runId of floods) expect(processesOf(runId)).toEqual([]);
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
