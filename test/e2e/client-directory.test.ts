import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { bearerOf } from '../support/http-token.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  agentpool,
  type Facts,
  MAIN,
  type Started,
  startServeProcess,
  startWorkerProcess,
} from '../support/processes.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** A machine with two projects; nothing is allowed but by a person. */
function makeMachine({ privateRedis = false, ...extra }: { privateRedis?: boolean } & Record<string, unknown> = {}) {
  const place = makePlace(extra as Record<string, string>);
  const { REDIS_URL, AGENTPOOL_ALLOWED_PATHS: _, ...env } = place.env;
  const machine: Place = {
    ...place,
    env: { ...env, AGENTPOOL_PORT: '0', ...(!privateRedis && { REDIS_URL: REDIS_URL as string }) },
  };
  const root = realpathSync(env.HOME as string);
  const [a, b] = ['project-a', 'project b'].map((name) => join(root, name)) as [string, string];
  for (const path of [a, b]) mkdirSync(path);
  cleanUp.push(async () => {
    if (privateRedis) await agentpool(machine, ['down']);
    place.clean();
  });
  return { place: machine, root, a, b, at: (cwd: string): Place => ({ ...machine, work: cwd }) };
}

/** A client that a person has started in a directory; `roots`: what it says of itself. */
async function openClient(place: Place, roots?: string[]) {
  const client = new Client({ name: 'test', version: '1' }, roots ? { capabilities: { roots: {} } } : {});
  if (roots)
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: roots.map((path) => ({ uri: pathToFileURL(path).href })),
    }));
  const { work: cwd, env } = place;
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd, env }));
  cleanUp.push(() => client.close());
  return callerOf(client);
}

const callerOf = (client: Client) => async (name: string, args: Facts) => {
  const answer = await client.callTool({ name, arguments: args }, undefined, { timeout: 120_000 });
  return answer.structuredContent as Facts;
};
type Call = ReturnType<typeof callerOf>;

async function worker(place: Place, ...args: string[]): Promise<Started> {
  const started = await startWorkerProcess(place, ...args);
  cleanUp.push(() => started.end());
  return started;
}

/** Where a run works that is asked for so; or why it is refused, or fails. */
async function whereWorks(call: Call, more: Facts = {}): Promise<Facts> {
  const prompt = steps({ directory: true });
  const submitted = await call('run_agent', { runner: 'plain-text', prompt, ...more });
  if (submitted.code !== undefined) return submitted;
  const { status, result, failure } = await call('wait_agent', { runId: submitted.runId, timeoutMs: 30_000 });
  return { status, result, failure, warning: submitted.warning };
}
const worksIn = (directory: string) => ({ status: 'done', result: directory });

async function overHttp(place: Place): Promise<Call> {
  const serve = await startServeProcess(place);
  cleanUp.push(() => serve.end());
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: bearerOf(place) };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', serve.url), { requestInit }) as Transport);
  cleanUp.push(() => client.close());
  return callerOf(client);
}

describe('a run without a path', () => {
  it('works where its client was started, whoever has brought up the pool, and other directories are refused', async () => {
    const { at, a, b, place } = makeMachine({ privateRedis: true });
    const inA = await openClient(at(a));
    expect(await whereWorks(inA)).toMatchObject(worksIn(a));
    const inB = await openClient(at(b));
    expect(await whereWorks(inB)).toMatchObject(worksIn(b));
    expect(await whereWorks(inA)).toMatchObject(worksIn(a));
    const line = `AGENTPOOL_HOME=${place.home} agentpool allow '${b}'`;
    const refused = await whereWorks(inA, { path: b });
    expect(refused).toMatchObject({ code: 'path_not_allowed', message: expect.stringContaining(b) });
    expect(String(refused.hint).endsWith(line), String(refused.hint)).toBe(true);

    expect(await agentpool(at(a), ['allow', b])).toMatchObject({ code: 0, stdout: `${b} is allowed now\n` });
    expect(await whereWorks(inA, { path: b })).toMatchObject(worksIn(b));
    expect(await agentpool(place, ['allow'])).toMatchObject({ stdout: `${b}\n` });
    const removed = `${b} is allowed no more: no run starts there from now on\n`;
    expect(await agentpool(place, ['allow', '--remove', b])).toMatchObject({ code: 0, stdout: removed });
    expect(await whereWorks(inA, { path: b })).toMatchObject({ code: 'path_not_allowed' });
    expect(await whereWorks(inB, { path: b })).toMatchObject(worksIn(b));
  });

  it('works in the first root of its client, where that tells one that can be a project', async () => {
    const { at, root, a, b } = makeMachine();
    await worker(at(root));
    expect(await whereWorks(await openClient(at(a), [b, a]))).toMatchObject(worksIn(b));
    expect(await whereWorks(await openClient(at(a), ['/', '/no/such/directory']))).toMatchObject(worksIn(a));
    expect(await whereWorks(await openClient(at(a), []))).toMatchObject(worksIn(a));
  });

  it('of a remote client works where its worker says, and gains nothing from what others have opened', async () => {
    const { at, a, b } = makeMachine();
    await worker({ ...at(a), env: { ...at(a).env, AGENTPOOL_ALLOWED_PATHS: '[]' } });
    expect(await whereWorks(await openClient(at(b)))).toMatchObject(worksIn(b));
    const remote = await overHttp(at(b));
    const missing = await whereWorks(remote);
    expect(missing).toMatchObject({ code: 'path_not_allowed', hint: expect.stringContaining('agentpool allow DIR') });
    expect(await whereWorks(remote, { path: b })).toMatchObject({ code: 'path_not_allowed' });
    await agentpool(at(a), ['allow', a]);
    expect(await whereWorks(remote, { path: a })).toMatchObject(worksIn(a));
    expect(await whereWorks(remote)).toMatchObject(worksIn(a));
  });

  it('is shared by hosts as before, each in its own directory, and says so', async () => {
    const { at, a, b, place } = makeMachine();
    const west = makePlace({ AGENTPOOL_PREFIX: place.env.AGENTPOOL_PREFIX ?? '' });
    cleanUp.push(async () => west.clean());
    await worker(west, '--host', 'west');
    const call = await openClient(at(b));
    expect(await whereWorks(call)).toMatchObject({
      ...worksIn(realpathSync(west.work)),
      warning: expect.stringContaining(`not in ${b}`),
    });
    expect(await whereWorks(call, { path: b })).toMatchObject({
      code: 'path_not_allowed',
      hint: expect.stringMatching(/on west with: agentpool allow '/),
    });
    await worker(at(a), '--host', 'east');
    const shared = await whereWorks(call);
    expect(shared).toMatchObject({ status: 'done', warning: expect.stringContaining('On west it works in') });
    expect([b, realpathSync(west.work)]).toContain(shared.result);
    expect(await whereWorks(call, { host: 'east' })).toMatchObject(worksIn(b));
    expect(await whereWorks(call, { host: 'west' })).toMatchObject(worksIn(realpathSync(west.work)));
    for (let run = 0; run < 4; run += 1) expect(await whereWorks(call, { path: b })).toMatchObject(worksIn(b));
    expect(await whereWorks(call, { host: 'west', path: b })).toMatchObject({ code: 'path_not_allowed' });
  });

  it('of the command line works where it is asked for, and once more there from wherever that is asked for', async () => {
    const { at, a, b } = makeMachine();
    await worker(at(a));
    const said = ['run', 'plain-text', steps({ directory: true }), '--raw'];
    const first = await agentpool(at(b), said);
    expect(first).toMatchObject({ code: 0, stdout: `${b}\n` });
    const { stdout } = await agentpool(at(b), ['runs', '--json']);
    const [{ runId }] = (JSON.parse(stdout) as { runs: [{ runId: string }] }).runs;
    expect(await agentpool(at(a), ['rerun', runId, '--follow'])).toMatchObject({ code: 0, stdout: `${b}\n` });
    const refused = await agentpool(at(a), [...said, '--path', b]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`agentpool allow '${b}'`) });
  });

  it('of an agent works where that agent does', async () => {
    const { at, a, b } = makeMachine();
    await worker({ ...at(a), env: { ...at(a).env, AGENTPOOL_ALLOWED_PATHS: '[]' } });
    await agentpool(at(b), ['run', 'plain-text', steps({ directory: true })]);
    const inRun = (cwd: string) => ({ ...at(cwd), env: { ...at(cwd).env, AGENTPOOL_RUN: 'r1' } });
    expect(await whereWorks(await openClient(inRun(b)))).toMatchObject(worksIn(b));
    expect(await whereWorks(await openClient(inRun(a)))).toMatchObject({ code: 'path_not_allowed' });
  });
});

describe('agentpool allow', () => {
  it('keeps a list, and refuses what is not a directory', async () => {
    const { place, a, b } = makeMachine();
    const allow = (...args: string[]) => agentpool(place, ['allow', ...args]);
    expect(await allow()).toMatchObject({ code: 0, stdout: 'no directory was allowed by agentpool allow\n' });
    await allow(b);
    await allow(a);
    expect(await allow(a)).toMatchObject({ stdout: `${a} is allowed already\n` });
    expect(JSON.parse((await allow('--json')).stdout)).toEqual([b, a]);
    expect(await allow(join(a, 'nothing'))).toMatchObject({ code: 2, stderr: expect.stringContaining('directory') });
    expect(await allow('--remove', join(a, 'nothing'))).toMatchObject({ stdout: expect.stringContaining('was not') });
    expect(await allow('--remove')).toMatchObject({ code: 2 });
  });
});
