import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identify } from '../../src/worker/process/processes.js';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { eventually, type Facts, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

const cleanUp = cleanUpAfterEach();

async function open(
  extra: Readonly<Record<string, string>>,
  ...redisUrl: string[]
): Promise<{ place: Place; mcp: McpSession }> {
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'here', ...extra }, ...redisUrl);
  cleanUp.push(place.clean);
  const mcp = await openMcp(place);
  cleanUp.push(mcp.close);
  return { place, mcp };
}

type Status = Facts & { runId: string; status: string; pid: number };
const submit = async (mcp: McpSession, ...list: Facts[]) =>
  (await mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps(...list) })).runId;
const status = (mcp: McpSession, runId: string) => mcp.call<Status>('get_agent_status', { runId });
const output = async (mcp: McpSession, runId: string) =>
  (await mcp.call<{ output: string }>('stream_agent_output', { runId })).output;
const goOn = (place: Place, gate: string) => writeFileSync(join(place.work, gate), '');
const MIB = 1024 * 1024;

describe('the spools of a host', () => {
  it('over their quota: the run with the largest one fails and says so, the others go on', async () => {
    const { place, mcp } = await open({ AGENTPOOL_SPOOL_QUOTA_BYTES: String(MIB) });
    const worker = await startWorkerProcess(place);
    cleanUp.push(() => worker.end('SIGKILL'));
    const small = await submit(mcp, { print: 'a\n' }, { until: 'go' }, { print: 'b\n' });
    const large = await submit(mcp, { fill: 2 * MIB }, { pause: 600_000 });
    expect(await mcp.call<Facts>('wait_agent', { runId: large })).toMatchObject({
      status: 'failed',
      failure: { kind: 'spool', message: expect.stringContaining('AGENTPOOL_SPOOL_QUOTA_BYTES') },
    });
    expect(await status(mcp, small)).toMatchObject({ status: 'running' });
    goOn(place, 'go');
    expect(await mcp.call<Facts>('wait_agent', { runId: small })).toMatchObject({ status: 'done' });
    expect(await output(mcp, small)).toBe('a\nb\n');
  });

  it('are kept within it whatever the heartbeat is, and with a run that breaks its own files', async () => {
    const extra = { AGENTPOOL_SPOOL_QUOTA_BYTES: String(MIB), AGENTPOOL_HEARTBEAT_MS: '60000' };
    const { place, mcp } = await open(extra);
    const worker = await startWorkerProcess(place);
    cleanUp.push(() => worker.end('SIGKILL'));
    const broken = await submit(mcp, { print: 'a\n' }, { until: 'go' });
    await eventually(
      () => output(mcp, broken),
      (text) => text === 'a\n',
    );
    const stderr = join(place.home, 'spool', readdirSync(join(place.home, 'spool'))[0] ?? '', 'here', broken, 'stderr');
    spawnSync('ln', ['-sf', stderr, stderr]); // a loop: whoever looks at its size gets an error
    const large = await submit(mcp, { fill: 2 * MIB }, { pause: 600_000 });
    expect(await mcp.call<Facts>('wait_agent', { runId: large, timeoutMs: 20_000 })).toMatchObject({
      status: 'failed',
      failure: { kind: 'spool' },
    });
    goOn(place, 'go');
  });

  it('are kept within it also while Redis is away', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const { place, mcp } = await open({ AGENTPOOL_SPOOL_QUOTA_BYTES: String(MIB) }, redis.url);
    const worker = await startWorkerProcess(place);
    cleanUp.push(() => worker.end('SIGKILL'));
    const runId = await submit(mcp, { print: 'a\n' }, { until: 'go' }, { fill: 2 * MIB }, { pause: 600_000 });
    const { pid } = await eventually(
      () => status(mcp, runId),
      ({ outputBytes }) => outputBytes === 2,
    );
    redis.kill();
    goOn(place, 'go');
    await eventually(
      () => identify(pid),
      (seen) => seen === undefined,
    );
    await redis.restart();
    await eventually(
      () => status(mcp, runId).catch(() => undefined),
      (seen) => seen?.status === 'failed',
    );
    const { failure, outputBytes } = await status(mcp, runId);
    expect(failure).toMatchObject({ kind: 'spool' });
    // It may have been ended before it had printed all of it; what it has printed is there, which is more than the quota.
    expect(outputBytes).toBeGreaterThan(MIB);
    expect(outputBytes).toBeLessThanOrEqual(2 + 2 * MIB);
  });

  it('that somebody removes while a program runs: that run is lost, and its worker goes on', async () => {
    const { place, mcp } = await open({});
    const worker = await startWorkerProcess(place);
    cleanUp.push(() => worker.end('SIGKILL'));
    const runId = await submit(mcp, { print: 'a\n' }, { until: 'go' });
    await eventually(
      () => output(mcp, runId),
      (text) => text === 'a\n',
    );
    const root = join(place.home, 'spool', readdirSync(join(place.home, 'spool'))[0] ?? '', 'here');
    spawnSync('rm', ['-r', join(root, runId)]);
    goOn(place, 'go');
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({
      status: expect.stringMatching(/done|failed/),
    });
    const next = await submit(mcp, { print: 'b\n' });
    expect(await mcp.call<Facts>('wait_agent', { runId: next })).toMatchObject({ status: 'done' });
    expect(identify(worker.child.pid ?? 0)).toBeDefined();
  });
});

describe('what has ended', () => {
  it('keeps its output for its time, then its record for longer, and then is forgotten', async () => {
    const { place, mcp } = await open({
      AGENTPOOL_OUTPUT_RETENTION_MS: '1500',
      AGENTPOOL_RECORD_RETENTION_MS: '12000',
    });
    const worker = await startWorkerProcess(place);
    cleanUp.push(() => worker.end('SIGKILL'));
    const runId = await submit(mcp, { print: 'a\n' });
    await mcp.call('wait_agent', { runId });
    const page = await eventually(
      () => mcp.call<Facts>('stream_agent_output', { runId }),
      ({ output: text }) => text === '',
    );
    expect(page).toMatchObject({
      isComplete: true,
      droppedBytes: 2,
      droppedBy: 'AGENTPOOL_OUTPUT_RETENTION_MS',
    });
    const told = { droppedBytes: 2, droppedBy: 'AGENTPOOL_OUTPUT_RETENTION_MS' };
    expect(await status(mcp, runId)).toMatchObject(told);
    await eventually(
      () => status(mcp, runId).catch(({ code }: { code: string }) => code),
      (code) => code === 'unknown_run',
      30_000,
    );
  });
});
