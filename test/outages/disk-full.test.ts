import { appendFileSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLogger } from '../../src/shared/logger.js';
import { startDiskWatch } from '../../src/worker/host/disk-watch.js';
import { spoolOf } from '../../src/worker/spool/spool.js';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { eventually, type Facts, type McpSession, openMcp } from '../support/processes.js';
import { type SmallDisk, startWorkerOnSmallDisk, whyNoSmallDisk } from '../support/small-disk.js';

const KIB = 1024;
const reason = whyNoSmallDisk();
if (reason) console.info(`skipped: ${reason}`);

const cleanUp = cleanUpAfterEach();

async function open(mib: number, extra: Readonly<Record<string, string>>) {
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'small', ...extra });
  cleanUp.push(place.clean);
  const mcp = await openMcp(place);
  cleanUp.push(mcp.close);
  const disk = await startWorkerOnSmallDisk(place, mib);
  cleanUp.push(disk.stop);
  return { place, mcp, disk };
}

type Status = Facts & { runId: string; status: string; outputBytes: number; failure?: { kind: string } };
const submit = async (mcp: McpSession, runner: string, prompt: string) =>
  (await mcp.call<Status>('run_agent', { runner, prompt })).runId;
const scripted = (mcp: McpSession, ...list: Facts[]) => submit(mcp, 'scripted', steps(...list));
const ended = async (mcp: McpSession, runId: string) => {
  await mcp.call('wait_agent', { runId });
  return mcp.call<Status>('get_agent_status', { runId });
};
const goOn = (place: Place, gate: string) => writeFileSync(join(place.work, gate), '');
const workerOf = async (mcp: McpSession) =>
  (await mcp.call<{ workers: (Facts & { problem?: Facts })[] }>('pool_status', {})).workers[0];
const freeKib = ({ home }: SmallDisk) => {
  const { bavail, bsize } = statfsSync(home);
  return (bavail * bsize) / KIB;
};

describe.skipIf(reason !== undefined)('a disk that fills up', () => {
  it('ends runs before output is lost: each run has all of it, or is failed and says why', async () => {
    const { place, mcp, disk } = await open(2, {
      AGENTPOOL_SPOOL_RESERVE_BYTES: String(512 * KIB),
      AGENTPOOL_CONCURRENCY: '5',
    });
    const printed = 600 * KIB;
    // They begin to print together: what has ended makes room for those that are later.
    const prompt = steps({ until: 'all' }, { lines: { count: printed / 100, bytes: 100, everyMs: 0.3 } });
    const runs = await Promise.all(Array.from({ length: 5 }, () => submit(mcp, 'scripted', prompt)));
    for (const runId of runs)
      await eventually(
        () => mcp.call<Status>('get_agent_status', { runId }),
        ({ pid }) => pid !== undefined,
      );
    goOn(place, 'all');
    const seen = await Promise.all(runs.map((runId) => ended(mcp, runId)));
    console.info(seen.map(({ status, outputBytes }) => `${status}: ${outputBytes} of ${printed} bytes`).join('\n'));
    for (const { status, failure, outputBytes } of seen)
      if (status === 'done') expect(outputBytes).toBe(printed);
      else expect({ status, kind: failure?.kind }).toEqual({ status: 'failed', kind: 'spool' });
    expect(seen.filter(({ status }) => status === 'failed').length).toBeGreaterThanOrEqual(3); // no more than two fit
    // Then there is room again, and the worker finds out by itself.
    const next = await scripted(mcp, { print: 'again\n' });
    expect(await ended(mcp, next)).toMatchObject({ status: 'done', outputBytes: 6 });
    expect(await workerOf(mcp)).not.toHaveProperty('problem');
    expect(freeKib(disk)).toBeGreaterThan(512);
  });

  it('is not a success for a program that overlooks what its writes are told, however fast it prints', async () => {
    const { place, mcp, disk } = await open(2, { AGENTPOOL_SPOOL_RESERVE_BYTES: '0', AGENTPOOL_CONCURRENCY: '2' });
    const silent = await scripted(mcp, { print: 'a\n' }, { until: 'later' }, { print: 'b\n' });
    await eventually(
      () => mcp.call<Status>('get_agent_status', { runId: silent }),
      ({ outputBytes }) => outputBytes === 2,
    );
    const careless = await submit(mcp, 'careless', String(3 * KIB));
    expect(await ended(mcp, careless)).toMatchObject({ status: 'failed', failure: { kind: 'spool' } });
    // Who was silent while the disk was full has lost nothing.
    await eventually(() => freeKib(disk) > KIB);
    goOn(place, 'later');
    expect(await ended(mcp, silent)).toMatchObject({ status: 'done', outputBytes: 4 });
  });

  it('is noticed where a program fills it while a look at it is under way', async () => {
    const { disk } = await open(2, { AGENTPOOL_SPOOL_RESERVE_BYTES: '0' });
    const spools = join(disk.home, 'watched');
    const spool = spoolOf(spools, 'filling');
    mkdirSync(dirname(spool.stdout), { recursive: true });
    let isAmidLook = false;
    const supervised = () => {
      if (isAmidLook) {
        expect(() => {
          for (;;) appendFileSync(spool.stdout, Buffer.alloc(KIB));
        }).toThrow('ENOSPC');
        for (const until = Date.now() + 200; Date.now() < until; ); // the machine has others to serve
      }
      isAmidLook = false;
      return new Map([['filling', { endForRoom: () => {}, endsForRoom: () => false }]]);
    };
    const watch = await startDiskWatch({
      spools,
      quotaBytes: 1024 * KIB * KIB,
      reserveBytes: 0,
      health: { fault: () => {} },
      isOver: () => false,
      isBusy: () => true,
      isStarting: () => false,
      supervised,
      logger: openLogger('test', 'error'),
    });
    cleanUp.push(() => watch.stop());
    isAmidLook = true;
    await eventually(() => !isAmidLook);
    expect(watch.lostOutput('filling', spool)).toBe(true);
  });

  it('by somebody else: nothing is claimed, who is silent goes on, and what waits says for what', async () => {
    const { place, mcp, disk } = await open(2, { AGENTPOOL_SPOOL_RESERVE_BYTES: String(512 * KIB) });
    const silent = await scripted(mcp, { print: 'a\n' }, { until: 'later' }, { print: 'b\n' });
    await eventually(
      () => mcp.call<Status>('get_agent_status', { runId: silent }),
      ({ outputBytes }) => outputBytes === 2,
    );
    writeFileSync(join(disk.home, 'foreign'), Buffer.alloc(1_800 * KIB));
    await eventually(
      () => workerOf(mcp),
      (worker) => worker?.problem?.kind === 'disk',
    );
    const waiting = await mcp.call<Facts>('run_agent', { runner: 'scripted', prompt: steps({ print: 'now\n' }) });
    expect(waiting).toMatchObject({
      status: 'queued',
      warning: expect.stringContaining('AGENTPOOL_SPOOL_RESERVE_BYTES'),
    });
    goOn(place, 'later');
    expect(await ended(mcp, silent)).toMatchObject({ status: 'done', outputBytes: 4 });
    rmSync(join(disk.home, 'foreign'));
    expect(await ended(mcp, String(waiting.runId))).toMatchObject({ status: 'done', outputBytes: 4 });
  });
});
