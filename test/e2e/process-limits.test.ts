import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { giveTo, hasNoProcessLimit, isRoot, processesOfUser, startOpenRedis } from '../support/other-user.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  type Conditions,
  eventually,
  type Facts,
  MAIN,
  type McpSession,
  openMcp,
  type Started,
  startAgentpool,
} from '../support/processes.js';

const SECRET = 'words-for-the-program-alone';
const UID = 64_017;
/** Leaves a mark for each start, named by its prompt. */
const PROGRAM = 'echo $$ >>"mark-$word"; until [ -e go ]; do sleep 0.2; done; echo "$word"';
const RUNNERS = {
  'by-argument': { command: 'sh', args: ['-c', `word=$0; ${PROGRAM}`], prompt: 'argument' },
  'by-stdin': { command: 'sh', args: ['-c', `word=$(cat); ${PROGRAM}`] },
};
type Status = Facts & { runId: string; status: string; host: string; failure?: Facts };

const over: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of over.splice(0).reverse()) await end();
});

const worker = async (place: Place, conditions: Conditions = {}): Promise<Started> => {
  const started = await startAgentpool(place, ['worker', '--json'], MAIN, conditions);
  over.push(() => started.end('SIGKILL'));
  return started;
};
const client = async (place: Place): Promise<McpSession> => {
  const mcp = await openMcp(place);
  over.push(mcp.close);
  return mcp;
};
/** Changes a limit of a worker that runs, as its own user. */
const limit = ({ child }: Started, what: string, uid = process.getuid?.() ?? 0) =>
  execFileSync('prlimit', ['--pid', String(child.pid), what], { uid, gid: uid });
/** The limit with which a process can open so many files more; it may have closed some of the lower numbers. */
function limitFor({ child }: Started, more: number): number {
  const open = new Set(readdirSync(`/proc/${child.pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < more; limit += 1) if (!open.has(limit)) free += 1;
  return limit;
}
const problemOf = async (mcp: McpSession, wanted: string) => {
  const { workers } = await mcp.call<{ workers: (Facts & { problem?: Facts })[] }>('pool_status', {});
  return workers.find(({ host }) => host === wanted)?.problem;
};

describe('a worker that has two file descriptors left', () => {
  it('keeps 30 runs for later without a word of their prompts, and does each once', async () => {
    const place = makePlace({
      AGENTPOOL_HOST_NAME: 'narrow',
      AGENTPOOL_CONCURRENCY: '30',
      AGENTPOOL_LOG_LEVEL: 'debug',
    });
    over.push(place.clean);
    writeFileSync(place.env.AGENTPOOL_CONFIG ?? '', JSON.stringify({ runners: RUNNERS }));
    const narrow = await worker(place);
    const mcp = await client(place);
    limit(narrow, `--nofile=${limitFor(narrow, 2)}:`); // a program needs three
    const mark = (n: number) => join(place.work, `mark-${SECRET}-${n}`);
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const runner = n % 3 === 0 ? 'by-argument' : 'by-stdin';
        return (await mcp.call<Status>('run_agent', { runner, prompt: `${SECRET}-${n}` })).runId;
      }),
    );
    const problem = await eventually(() => problemOf(mcp, 'narrow'));
    expect(problem).toMatchObject({ kind: 'file_descriptors' });
    expect(narrow.child.exitCode).toBe(null);
    limit(narrow, '--nofile=1024:');
    writeFileSync(join(place.work, 'go'), '');
    for (const runId of ids) {
      await mcp.call('wait_agent', { runId, timeoutMs: 100_000 });
      const { status, failure } = await mcp.call<Status>('get_agent_status', { runId });
      expect({ status, failure }).toEqual({ status: 'done', failure: undefined });
    }
    const starts = ids.map((_, n) => readFileSync(mark(n), 'utf8').trim().split('\n').length);
    expect(starts).toEqual(ids.map(() => 1));
    expect(narrow.child.exitCode).toBe(null);
    expect(narrow.log()).toContain('goes back to its queue');
    expect(narrow.log()).not.toContain(SECRET);
    expect(narrow.log()).not.toMatch(/unhandled|uncaught/i);
  });
});

describe.skipIf(!isRoot() || hasNoProcessLimit(UID))('a worker whose user may have no further process', () => {
  it('gives the run back, says so, and a healthy worker does it', async () => {
    const redis = await startOpenRedis();
    over.push(redis.stop);
    const place = makePlace({ AGENTPOOL_HOST_NAME: 'crowded', AGENTPOOL_LOG_LEVEL: 'debug' }, redis.url);
    const healthy = makePlace(
      { AGENTPOOL_HOST_NAME: 'healthy', AGENTPOOL_PREFIX: place.env.AGENTPOOL_PREFIX ?? '' },
      redis.url,
    );
    healthy.env.AGENTPOOL_ALLOWED_PATHS = `${healthy.work}:${place.work}`;
    over.push(place.clean, healthy.clean);
    giveTo(place, UID);
    const crowded = await worker(place, { uid: UID });
    const mcp = await client(healthy);
    const run = async () =>
      (await mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps({ print: 'x' }) })).runId;
    const endOf = async (runId: string) => {
      await mcp.call('wait_agent', { runId, timeoutMs: 60_000 });
      return mcp.call<Status>('get_agent_status', { runId });
    };
    // All its threads are there then, and no shell of a look for versions is left.
    expect(await endOf(await run())).toMatchObject({ status: 'done', host: 'crowded' });
    await eventually(() => processesOfUser(UID).length === 1);
    const threads = readdirSync(`/proc/${crowded.child.pid}/task`).length;
    limit(crowded, `--nproc=${threads + 1}:`, UID); // the shell around the program, and nothing else

    const runId = await run();
    expect(await eventually(() => problemOf(mcp, 'crowded'))).toMatchObject({ kind: 'processes' });
    expect(await mcp.call<Status>('get_agent_status', { runId })).toMatchObject({ status: 'queued' });
    await worker(healthy);
    const ended = await endOf(runId);
    expect(ended).toMatchObject({ status: 'done', host: 'healthy' });
    expect(ended).not.toHaveProperty('failure');
    expect(await problemOf(mcp, 'crowded')).toMatchObject({ kind: 'processes' });
    expect(crowded.child.exitCode).toBe(null);
  });
});
