import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SPOOL_FORM } from '../../src/shared/stored-form.js';
import { identify } from '../../src/worker/process/processes.js';
import { makeNewerRelease } from '../support/newer-release.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, type McpSession, openMcp, startAgentpool } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

const cleanUp: (() => unknown)[] = [];
let redis: Redis;
let place: Place;
let mcp: McpSession;

beforeEach(async () => {
  const server = await startRedis();
  cleanUp.push(server.stop);
  redis = new Redis(server.url);
  cleanUp.push(() => redis.disconnect());
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here' }, server.url);
  cleanUp.push(place.clean);
  mcp = await openMcp(place);
  cleanUp.push(mcp.close);
});
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

type Status = Facts & { runId: string; status: string; pid: number; waitReason?: string; worker: string };
const status = (runId: string) => mcp.call<Status>('get_agent_status', { runId });
const submit = async (...list: Facts[]) =>
  (await mcp.call<Status>('run_agent', { runner: 'scripted', prompt: steps(...list) })).runId;
const ended = (runId: string, withinMs?: number) =>
  eventually(
    () => status(runId),
    ({ status: state }) => ['done', 'failed', 'killed'].includes(state),
    withinMs,
  );
async function startWorker(main?: string, of = place) {
  const worker = await startAgentpool(of, ['worker', '--json'], main);
  cleanUp.push(() => worker.end('SIGKILL'));
  return worker;
}
const requestKey = (runId: string) => `${place.env.AGENTPOOL_PREFIX}:run:{${runId}}:request`;

/** Changes the stored request of a run that waits. */
async function rewrite(runId: string, edit: (request: Facts) => Facts): Promise<void> {
  const text = (await redis.get(requestKey(runId))) ?? '';
  await redis.set(requestKey(runId), JSON.stringify(edit(JSON.parse(text))));
}

describe('a request', () => {
  it('of a newer release waits, says why, holds nothing up, and is carried out by a newer worker beside ours', async () => {
    const newer = makeNewerRelease();
    cleanUp.push(newer.clean);
    await startWorker();
    const submitted = await agentpool(
      place,
      ['run', 'scripted', steps({ print: 'hello' }), '--json', '--no-follow'],
      '',
      newer.main,
    );
    const { runId } = JSON.parse(submitted.stdout) as Status;
    const { waitReason } = await eventually(
      () => status(runId),
      (seen) => seen.waitReason !== undefined,
    );
    expect(waitReason).toBe('it waits for a newer worker: its request was written by a newer release (form 2)');
    expect((await agentpool(place, ['runs'])).stdout).toMatch(/queued it waits for a newer worker/);
    expect(await ended(await submit())).toMatchObject({ status: 'done' });
    expect(await status(runId)).toMatchObject({ status: 'queued', waitReason });

    const { AGENTPOOL_PREFIX = '', AGENTPOOL_ALLOWED_PATHS = '' } = place.env;
    const another = makePlace(
      { AGENTPOOL_PREFIX, AGENTPOOL_ALLOWED_PATHS, AGENTPOOL_HOST_NAME: 'there' },
      place.env.REDIS_URL,
    );
    cleanUp.push(another.clean);
    const worker = await startWorker(newer.main, another);
    const { worker: ranBy, waitReason: after } = await eventually(
      () => status(runId),
      (seen) => seen.status === 'done',
      120_000,
    );
    expect(ranBy).toMatch(/^there/);
    expect(after).toBeUndefined();
    expect(worker.child.exitCode).toBeNull();
  }, 180_000);

  it('of a form that is newer starts once it is one that the worker knows', async () => {
    const runId = await submit({ print: 'hello' });
    await rewrite(runId, (request) => ({ ...request, form: 2 }));
    await startWorker();
    await eventually(
      () => status(runId),
      (seen) => seen.waitReason !== undefined,
    );
    await rewrite(runId, (request) => ({ ...request, form: 1 }));
    expect(await ended(runId)).toMatchObject({ status: 'done' });
  });

  it('that waits for a newer worker can be killed', async () => {
    const runId = await submit();
    await rewrite(runId, (request) => ({ ...request, form: 2 }));
    await startWorker();
    await eventually(
      () => status(runId),
      (seen) => seen.waitReason !== undefined,
    );
    expect(await mcp.call('kill_agent', { runId })).toMatchObject({ status: 'killed', killed: true });
  });

  it.each([
    ['is not JSON', 'no', 'its stored request cannot be read: it is not JSON'],
    ['lacks its prompt', '{"form":1,"runner":"scripted","agentName":"a"}', /cannot be read: prompt: /],
  ])('that %s ends its run as failed, in one sentence', async (_, text, message) => {
    const runId = await submit();
    await redis.set(requestKey(runId), text);
    await startWorker();
    const { status: state, failure } = await ended(runId);
    expect({ state, failure }).toEqual({
      state: 'failed',
      failure: { kind: 'invalid_request', message: expect.stringMatching(message) },
    });
  });
});

describe('an agent', () => {
  it('of a newer release is listed as such, used by nobody older, and neither changed nor removed by them', async () => {
    const newer = makeNewerRelease();
    cleanUp.push(newer.clean);
    await startWorker();
    await mcp.client.listTools(); // from now on answers are held against their schemas
    const made = (name: string) => ['agents', 'create', name, '--runner', 'scripted', '--prompt', 'A test.'];
    expect(await agentpool(place, made('ours'))).toMatchObject({ code: 0 });
    expect(await agentpool(place, made('theirs'), '', newer.main)).toMatchObject({ code: 0 });
    const key = `{${place.env.AGENTPOOL_PREFIX}:agents}:profiles`;
    const before = await redis.hget(key, 'theirs');

    const unreadable = [{ name: 'theirs', problem: 'it was stored by a newer release (form 2)' }];
    for (const tool of ['list_agents', 'get_agent_configs'])
      expect(await mcp.call(tool, {})).toMatchObject({ agents: [{ name: 'ours' }], unreadable });
    const listed = await agentpool(place, ['agents', 'list']);
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ours/m) });
    expect(listed.stderr).toContain('agent theirs: it was stored by a newer release (form 2)');
    expect((await agentpool(place, ['doctor'])).stdout).toMatch(/Agent theirs.*newer release/);

    const refused = {
      code: 'newer_release',
      message: 'agent theirs cannot be used by this release: it was stored by a newer release (form 2)',
    };
    await expect(mcp.call('get_agent_configs', { name: 'theirs' })).rejects.toMatchObject(refused);
    await expect(mcp.call('run_agent', { agentName: 'theirs', prompt: '[]' })).rejects.toMatchObject(refused);
    await expect(mcp.call('update_agent_config', { name: 'theirs', model: 'm' })).rejects.toMatchObject(refused);
    await expect(mcp.call('delete_agent', { name: 'theirs' })).rejects.toMatchObject(refused);
    const again = { name: 'theirs', runner: 'scripted', prompt: 'Another.' };
    await expect(mcp.call('create_agent', again)).rejects.toMatchObject({ code: 'agent_exists' });
    expect(await redis.hget(key, 'theirs')).toBe(before);

    expect(await agentpool(place, ['agents', 'show', 'ours'], '', newer.main)).toMatchObject({ code: 0 });
  });

  it('whose profile is broken is listed as such, and can be removed', async () => {
    const key = `{${place.env.AGENTPOOL_PREFIX}:agents}`;
    for (const hash of ['profiles', 'list']) await redis.hset(`${key}:${hash}`, 'odd', '{"name":"odd"}');
    expect(await mcp.call('list_agents', {})).toMatchObject({ agents: [], unreadable: [{ name: 'odd' }] });
    await expect(mcp.call('run_agent', { agentName: 'odd', prompt: '[]' })).rejects.toMatchObject({
      code: 'invalid_agent',
      message: expect.stringMatching(/^agent odd cannot be used: what is stored of it cannot be read: runner: /),
    });
    await mcp.call('delete_agent', { name: 'odd' });
    expect(await mcp.call('list_agents', {})).toEqual({ agents: [] });
  });
});

describe('a spool', () => {
  it('of a newer release is left alone by take-over, and its run taken over once the form is known', async () => {
    const newer = makeNewerRelease();
    cleanUp.push(newer.clean);
    const first = await startWorker(newer.main);
    const runId = await submit({ print: 'one\n' }, { until: 'go' }, { print: 'two\n' });
    const { pid } = await eventually(
      () => status(runId),
      (seen) => seen.pid !== undefined,
    );
    await first.end('SIGKILL');
    const root = join(place.home, 'spool');
    const meta = join(root, readdirSync(root)[0] ?? '', 'here', runId, 'meta.json');
    const before = readFileSync(meta, 'utf8');
    expect(JSON.parse(before)).toMatchObject({ form: SPOOL_FORM + 1 });

    const second = await startWorker();
    await eventually(
      () => status(runId),
      (seen) => seen.status === 'orphaned',
    );
    expect(await ended(await submit())).toMatchObject({ status: 'done' });
    expect(readFileSync(meta, 'utf8')).toBe(before);
    expect(identify(pid)).toBeDefined();
    expect(await status(runId)).toMatchObject({ status: 'orphaned' });
    await second.end();

    await startWorker(newer.main);
    writeFileSync(join(place.work, 'go'), '');
    expect(await ended(runId)).toMatchObject({ status: 'done' });
    expect(await mcp.call('stream_agent_output', { runId })).toMatchObject({ output: 'one\ntwo\n' });
  });
});
