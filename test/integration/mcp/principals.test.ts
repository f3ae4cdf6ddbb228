import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Asker } from '../../../src/mcp/ask.js';
import { callTool } from '../../../src/mcp/call.js';
import { listResources, readResource } from '../../../src/mcp/resources.js';
import { openSubscriptions } from '../../../src/mcp/subscriptions.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import { openLogger } from '../../../src/shared/logger.js';
import { LOCAL, type Principal } from '../../../src/shared/principal.js';
import { createSessionRecord } from '../../../src/worker/run/session-record.js';
import { onePlace, onePool } from '../../support/beginnings.js';
import { eventually } from '../../support/processes.js';

const ANN: Principal = { name: 'ann', scopes: ['read', 'run', 'kill'] };
const BOB: Principal = { name: 'bob', scopes: ['read', 'run', 'kill'] };
const WATCHER: Principal = { name: 'watcher', scopes: ['read'] };
const CHIEF: Principal = { name: 'chief', scopes: ['admin'] };

const place = onePlace();
const pool = onePool(place);

type Facts = Record<string, unknown>;

async function ask<Answer = Facts>(principal: Principal, name: string, args: Facts): Promise<Answer> {
  const tool = TOOLS.find((one) => one.name === name);
  if (!tool) throw new Error(`there is no tool ${name}`);
  const answer = await callTool(tool, args, {
    pool,
    principal,
    signal: new AbortController().signal,
    waitCapMs: 1_000,
  });
  return (answer.ok ? answer.value : answer.error) as Answer;
}

/** No worker is here, so what is submitted stays queued. */
const submit = async (principal: Principal, extra: Facts = {}) =>
  (await ask<{ runId: string }>(principal, 'run_agent', { runner: 'scripted', prompt: '[]', ...extra })).runId;
const idsOf = async (principal: Principal, filter: Facts = {}) =>
  (await ask<{ runs: { runId: string }[] }>(principal, 'list_runs', filter)).runs.map(({ runId }) => runId);

test('who makes up requirements leaves room for those of others', async () => {
  const runs = (count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => ({
      runner: 'scripted',
      prompt: '[]',
      requires: [`made-up=${from + at}`],
      delayMs: 60_000,
    }));
  const refused = { code: 'too_many_queued', message: expect.stringContaining('16 different sets of requirements') };
  expect(await ask(ANN, 'run_agents_parallel', { agents: runs(17), timeoutMs: 0 })).toMatchObject(refused);
  await ask(ANN, 'run_agents_parallel', { agents: runs(16), timeoutMs: 0 });
  expect(await ask(ANN, 'run_agent', runs(1, 16)[0] as Facts)).toMatchObject(refused);
  expect(await ask(ANN, 'run_agent', runs(1)[0] as Facts)).toHaveProperty('runId');
  expect(await ask(BOB, 'run_agent', runs(1, 17)[0] as Facts)).toHaveProperty('runId');
});

describe('a run', () => {
  test.each([
    ['get_agent_status', {}],
    ['stream_agent_output', {}],
    ['wait_agent', { timeoutMs: 0 }],
    ['kill_agent', {}],
  ])('of somebody else is not there for %s, by its id or its agent name', async (tool, args) => {
    const agentName = `only-${tool}`;
    const runId = await submit(ANN, { agentName });
    for (const which of [{ runId }, { agentName }])
      expect(await ask(BOB, tool, { ...which, ...args })).toMatchObject({ code: 'unknown_run' });
    expect(await ask(BOB, 'get_agent_status', { runId: 'rnobody' })).toMatchObject({
      message: 'there is no run rnobody',
      hint: (await ask(BOB, 'get_agent_status', { runId })).hint,
    });
    for (const owner of [ANN, CHIEF, LOCAL])
      expect(await ask(owner, tool, { agentName, ...args })).toMatchObject({ runId });
  });

  test('of somebody else is not waited for among others', async () => {
    const runIds = [await submit(ANN), await submit(BOB)];
    expect(await ask(ANN, 'wait_agent', { runIds, timeoutMs: 0 })).toMatchObject({ code: 'unknown_run' });
  });

  test('is listed for its owner and for administrators, with statistics, page after page', async () => {
    const agentName = 'listed';
    const mine = [await submit(ANN, { agentName }), await submit(ANN, { agentName })].reverse();
    const [theirs] = [await submit(BOB, { agentName })];
    for (const filter of [{ agentName }, {}, { status: 'queued' }, { runner: 'scripted' }]) {
      const seen = await idsOf(ANN, filter);
      expect(seen).toEqual(expect.arrayContaining(mine));
      expect(seen).not.toContain(theirs);
    }
    expect(await idsOf(BOB, { agentName })).toEqual([theirs]);
    expect(await idsOf(CHIEF, { agentName })).toEqual([theirs, ...mine]);
    expect(await idsOf(WATCHER)).toEqual([]);
    const first = await ask(ANN, 'list_runs', { agentName, limit: 1, stats: true });
    expect(first).toMatchObject({ runs: [{ runId: mine[0], principal: 'ann' }], stats: [{ count: 2 }] });
    expect(await idsOf(ANN, { agentName, limit: 1, cursor: first.nextCursor })).toEqual([mine[1]]);
  });

  test('by agent name is the latest one of whoever asks', async () => {
    const agentName = 'shared-name';
    const mine = await submit(ANN, { agentName });
    const theirs = await submit(BOB, { agentName });
    expect(await ask(ANN, 'get_agent_status', { agentName })).toMatchObject({ runId: mine });
    expect(await ask(CHIEF, 'get_agent_status', { agentName })).toMatchObject({ runId: theirs });
  });

  test('is not found by the client token of somebody else', async () => {
    const clientToken = 'the-same';
    const mine = await submit(ANN, { clientToken });
    expect(await submit(BOB, { clientToken })).not.toBe(mine);
    expect(await submit(ANN, { clientToken })).toBe(mine);
  });
});

describe('a session', () => {
  const session = { id: 's1', runner: 'scripted', host: 'h', path: '/', home: '/', runId: 'r1' };

  test('of somebody else, or one that nobody knows, is resumed for administrators only', async () => {
    await pool.runs.sessions.remember({ ...session, agentName: 'talker', principal: 'ann' });
    for (const sessionId of ['s1', 's2'])
      expect(await ask(BOB, 'run_agent', { runner: 'scripted', prompt: '[]', sessionId })).toMatchObject({
        code: 'unknown_session',
      });
    for (const [who, sessionId] of [
      [ANN, 's1'],
      [CHIEF, 's1'],
      [LOCAL, 's2'],
    ] as const)
      expect(await ask(who, 'run_agent', { runner: 'scripted', prompt: '[]', sessionId })).toMatchObject({ sessionId });
  });

  /** What a worker that has claimed a run tells of its sessions, and what that logs. */
  async function recordOf(id: string) {
    const { epoch } = await pool.runs.claim(id, 'w', 'h');
    const said: string[] = [];
    const log = new Writable({ write: (line, _, done) => done(void said.push(String(line))) });
    const record = createSessionRecord(
      {
        runs: pool.runs,
        runner: 'scripted',
        own: { id, epoch },
        remember: (sessionId, { agentName, principal }) =>
          pool.runs.sessions.remember({ ...session, id: sessionId, agentName, principal, runId: id }),
        logger: openLogger('test', 'warn', log),
      },
      undefined,
    );
    return { record, said };
  }

  test('stays with whoever began it, whatever the program of somebody else prints', async () => {
    await pool.runs.sessions.remember({ ...session, id: 's-ann', agentName: 'talker', principal: 'ann' });
    const id = await submit(BOB, {});
    const { record, said } = await recordOf(id);
    record.known('s-ann');
    await eventually(() => said.join().includes('a session of somebody else'));
    record.known('s-ann');
    expect(record.isKnown()).toBe(false);
    expect(await pool.runs.sessions.find('scripted', 's-ann')).toMatchObject({ principal: 'ann', runId: 'r1' });
    expect((await pool.runs.get(id))?.sessionId).toBeUndefined();
    record.known('s-bob');
    await eventually(() => pool.runs.sessions.find('scripted', 's-bob'));
    expect(await pool.runs.sessions.find('scripted', 's-bob')).toMatchObject({ principal: 'bob', runId: id });
    expect(await ask(BOB, 'run_agent', { runner: 'scripted', prompt: '[]', sessionId: 's-ann' })).toMatchObject({
      code: 'unknown_session',
    });
    expect(said).toHaveLength(1);
  });

  test('is remembered a hundred times at most for a program that names one after the other', async () => {
    const id = await submit(BOB, {});
    const { record, said } = await recordOf(id);
    for (let at = 0; at < 300; at += 1) record.known(`s-many-${at}`);
    await eventually(() => pool.runs.sessions.find('scripted', 's-many-99'));
    expect(await pool.runs.sessions.find('scripted', 's-many-0')).toBeDefined();
    for (const at of [100, 200, 299]) expect(await pool.runs.sessions.find('scripted', `s-many-${at}`)).toBeUndefined();
    expect(said).toHaveLength(1);
  });

  test('is resumed by autoResume only where it is of whoever asks', async () => {
    await pool.runs.sessions.remember({ ...session, agentName: 'twin', principal: 'ann' });
    const resume = { runner: 'scripted', prompt: '[]', agentName: 'twin', autoResume: true };
    expect(await ask(ANN, 'run_agent', resume)).toMatchObject({ sessionId: 's1' });
    expect(await ask(BOB, 'run_agent', resume)).not.toHaveProperty('sessionId');
  });
});

test.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s says which scope it needs', async (name, tool) => {
  const without = { name: 'poor', scopes: [] };
  expect(await ask(without, name, {})).toMatchObject({
    code: 'forbidden',
    message: `${name} needs the scope ${tool.scope}, and poor has none`,
  });
  const answer = await ask({ name: 'one', scopes: [tool.scope] }, name, {});
  expect(answer.code).not.toBe('forbidden');
});

const asking = (principal: Principal): Asker => ({ principal, pool: async () => pool, logger: pool.logger });

describe('a resource', () => {
  test('of somebody else is neither listed, nor read, nor subscribed to', async () => {
    const uri = `agent://runs/${await submit(ANN, { agentName: 'resourceful' })}`;
    const listed = async (principal: Principal) =>
      (await listResources(asking(principal))).resources.map((one) => one.uri);
    expect(await listed(ANN)).toContain(uri);
    expect(await listed(BOB)).not.toContain(uri);
    for (const part of [uri, `${uri}/output`]) {
      await expect(readResource(asking(BOB), part)).rejects.toThrow('there is no run');
      expect((await readResource(asking(ANN), part)).contents[0]).toMatchObject({ uri: part });
      const subscriptions = openSubscriptions(asking(BOB), () => {});
      await expect(subscriptions.add(part)).rejects.toThrow('there is no run');
    }
  });

  test('is one of the newest 50, with its output, and there is no further page', async () => {
    const many: Principal = { name: 'many', scopes: ['read', 'run'] };
    const ids: string[] = [];
    for (let at = 0; at < 52; at += 1) ids.push(await submit(many));
    const answer = await listResources(asking(many));
    expect(Object.keys(answer)).toEqual(['resources']);
    const newest = ids.slice(2).flatMap((id) => [`agent://runs/${id}`, `agent://runs/${id}/output`]);
    expect(answer.resources.map(({ uri }) => uri).sort()).toEqual(newest.sort());
  });

  test('is for those who may read', async () => {
    const nobody: Principal = { name: 'ann', scopes: ['kill'] };
    await expect(listResources(asking(nobody))).rejects.toThrow('needs the scope read');
  });

  test('is watched with a hundred others, and no more', async () => {
    const subscriptions = openSubscriptions(asking(LOCAL), () => {});
    const runId = await submit(LOCAL);
    for (let at = 0; at < 100; at += 1) await subscriptions.add(`agent://runs/${runId}/output?cursor=${at}`);
    await expect(subscriptions.add(`agent://runs/${runId}`)).rejects.toThrow('more than 100');
    subscriptions.stop();
    await subscriptions.add(`agent://runs/${runId}`);
    subscriptions.stop();
  });
});
