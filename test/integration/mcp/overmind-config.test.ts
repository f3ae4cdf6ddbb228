import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { newRunId } from '../../../src/client/submit.js';
import { callTool } from '../../../src/mcp/call.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import { LOCAL, type Principal } from '../../../src/shared/principal.js';
import { onePlace, onePool } from '../../support/beginnings.js';
import { makeOvermindWorkspace, SECRETS } from '../../support/overmind-workspace.js';
import type { Facts } from '../../support/processes.js';

const place = onePlace();
const config = join(place.work, 'overmind');
const pool = onePool(place);

beforeAll(async () => {
  makeOvermindWorkspace(config, { 'kilo:fresh': { id: 'ses_fresh', ts: Date.now() - 1_000 } });
});

async function call(name: string, args: Facts, principal: Principal = LOCAL): Promise<Facts> {
  const tool = TOOLS.find((one) => one.name === name);
  if (!tool) throw new Error(`there is no tool ${name}`);
  const signal = new AbortController().signal;
  const answer = await callTool(tool, args, { pool, principal, signal, waitCapMs: 1_000 });
  return answer.ok ? answer.value : { ...answer.error };
}
const status = (agentName: string, more: Facts = {}) => call('get_agent_status', { agentName, config, ...more });

describe('config', () => {
  it('tells of runs that only overmind knows, and says where from and how surely', async () => {
    expect(await status('coder', { runner: 'claude' })).toMatchObject({
      status: 'done',
      sessionId: 'tracked-session',
      pid: 999_999_999,
      exitCode: 0,
      outputTail: `output with ${SECRETS.token}`,
      source: expect.stringContaining('sessions.json'),
    });
    expect(await status('architect')).toMatchObject({ status: 'done', sessionId: 'ses_kilo', runner: 'kilo' });
    expect(await status('fresh')).toMatchObject({ status: 'running', uncertain: true });
    expect(await status('busy')).toMatchObject({ status: 'running', pid: process.pid });
  });

  it('gives their output page by page', async () => {
    const ask = (more: Facts) => call('stream_agent_output', { agentName: 'coder', runner: 'claude', config, ...more });
    let read = '';
    let cursor: unknown;
    for (let complete = false; !complete; ) {
      const page = await ask({ maxBytes: 7, ...(cursor !== undefined && { cursor }) });
      read += String(page.output);
      cursor = page.nextCursor;
      complete = page.isComplete === true;
    }
    expect(read).toBe(`output with ${SECRETS.token}`);
    const { lastTimestamp } = await ask({});
    expect(await ask({ sinceTimestamp: lastTimestamp })).toMatchObject({ output: '', isComplete: true });
    expect(await ask({ sinceTimestamp: Number(lastTimestamp) - 1 })).toMatchObject({ output: read });
    expect(await ask({ tailBytes: 4 })).toMatchObject({ output: read.slice(-4) });
  });

  it('does not wait for what nobody announces, and ends no process on the word of a file', async () => {
    expect(await call('wait_agent', { agentName: 'coder', runner: 'claude', config })).toMatchObject({
      status: 'done',
      timedOut: false,
      exitCode: 0,
    });
    expect(await call('wait_agent', { agentName: 'busy', config })).toMatchObject({
      status: 'running',
      timedOut: true,
      pollAfterMs: 5_000,
    });
    expect(await call('kill_agent', { agentName: 'busy', config })).toMatchObject({
      killed: false,
      wasRunning: true,
      pid: process.pid,
      hint: expect.stringContaining('started itself'),
    });
  });

  it('counts for nothing as soon as the pool knows a run of that name', async () => {
    const id = newRunId();
    await pool.runs.create(id, 'runs.kilo', { runner: 'kilo', agentName: 'architect', prompt: 'p' });
    expect(await status('architect')).toMatchObject({ runId: id, status: 'queued' });
    expect(await status('architect', { runner: 'claude' })).toMatchObject({ code: 'unknown_run' });
  });

  it('knows no agent that is not there, and refuses a session that is in use', async () => {
    expect(await status('nobody')).toMatchObject({ code: 'unknown_run' });
    const asked = { runner: 'claude', agentName: 'busy', autoResume: true, prompt: 'go on', config };
    expect(await call('run_agent', asked)).toMatchObject({ code: 'session_in_use' });
  });

  it('is for administrators only', async () => {
    const ann: Principal = { name: 'ann', scopes: ['read', 'run', 'kill'] };
    const which = { agentName: 'coder', config };
    for (const name of ['get_agent_status', 'stream_agent_output', 'wait_agent', 'kill_agent'])
      expect(await call(name, which, ann)).toMatchObject({ code: 'forbidden' });
    const asked = { runner: 'claude', autoResume: true, prompt: 'go on', ...which };
    expect(await call('run_agent', asked, ann)).toMatchObject({ code: 'forbidden' });
  });

  it('leads to no file outside of the allowed directories, by whatever way', async () => {
    const outside = join(place.home, 'overmind');
    makeOvermindWorkspace(outside);
    const link = join(place.work, 'link');
    symlinkSync(outside, link);
    const half = join(place.work, 'half');
    mkdirSync(join(half, '.claude'), { recursive: true });
    symlinkSync(join(outside, '.claude/sessions.json'), join(half, '.claude/sessions.json'));
    for (const way of [outside, link, half, join(config, '..', '..', 'home', 'overmind')])
      expect(await status('coder', { config: way })).toMatchObject({ code: 'path_not_allowed' });
  });

  it('says what is wrong with a workspace without repeating it', async () => {
    const broken = join(place.work, 'broken');
    mkdirSync(join(broken, '.claude'), { recursive: true });
    writeFileSync(join(broken, '.claude/sessions.json'), `{ "coder": ${SECRETS.token}`);
    const answer = await status('coder', { config: broken });
    expect(answer).toMatchObject({ code: 'no_workspace', message: expect.stringContaining('not JSON') });
    expect(JSON.stringify(answer)).not.toContain(SECRETS.token);
    expect(await status('coder', { config: join(place.work, 'absent') })).toMatchObject({ code: 'no_workspace' });
  });
});
