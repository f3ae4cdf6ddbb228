import { exec } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { makePlace, steps } from '../support/pool.js';
import { agentpool, type Facts, MAIN, openMcp, startWorkerProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

/** Less than the body of an HTTP request may have, so that over HTTP it is the tool that refuses, too. */
const place = onePlace({ AGENTPOOL_MAX_PROMPT_BYTES: '2000000' });
oneWorker(place);
const mcp = oneMcp(place);

const refused = (name: string, args: Facts) =>
  mcp.call(name, args).then(
    () => ({ code: 'none', message: 'it was accepted', hint: '' }),
    ({ code, message, hint }: Facts) => ({ code, message, hint }),
  );
const endOf = async (args: Facts) => {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: '[]', ...args });
  return mcp.call<Facts & { status: string; failure?: { kind: string; message: string } }>('wait_agent', { runId });
};

describe('a tool refuses, and says what to do', () => {
  it.each([
    ['an unknown runner', 'run_agent', { runner: 'clod', prompt: 'x' }, 'unknown_runner', /claude, gemini.*, demo/],
    [
      'a mode that the runner has not',
      'run_agent',
      { runner: 'demo', prompt: 'x', mode: 'angry' },
      'invalid_argument',
      /calm, quick/,
    ],
    ['an argument that is written nearly right', 'run_agent', { runner: 'demo', promt: 'x' }, 'invalid_argument', /./],
    [
      'a time limit of less than a second',
      'run_agent',
      { runner: 'demo', prompt: 'x', timeoutMs: 300 },
      'invalid_argument',
      /run_agent takes: .*prompt/,
    ],
    ['a missing argument', 'run_agent', { runner: 'demo' }, 'invalid_argument', /./],
    ['a bad agent name', 'run_agent', { runner: 'demo', prompt: 'x', agentName: 'a b' }, 'invalid_argument', /./],
    ['an unknown run', 'get_agent_status', { runId: 'r000' }, 'unknown_run', /list_runs/],
    ['an unknown agent', 'wait_agent', { agentName: 'nobody' }, 'unknown_run', /list_runs/],
    ['no run at all', 'kill_agent', {}, 'invalid_argument', /Name the run/],
    ['a cursor that is not one of ours', 'list_runs', { cursor: 'x' }, 'invalid_argument', /nextCursor/],
    [
      'a path outside of the allowed ones',
      'run_agent',
      { runner: 'demo', prompt: 'x', path: '/etc' },
      'path_not_allowed',
      /Use a directory under/,
    ],
    [
      'a path with a way out',
      'run_agent',
      { runner: 'demo', prompt: 'x', path: `${place.work}/../..` },
      'path_not_allowed',
      /Use a directory under/,
    ],
    ['a relative path', 'run_agent', { runner: 'demo', prompt: 'x', path: 'here' }, 'path_not_allowed', /full path/],
    [
      'a runner that cannot resume',
      'run_agent',
      { runner: 'by-argument', prompt: 'x', sessionId: 's' },
      'cannot_resume',
      /./,
    ],
  ])('%s', async (_, name, args, code, hint) => {
    const error = await refused(name, args as Facts);
    expect(error).toMatchObject({ code });
    expect(`${error.hint}`).toMatch(hint as RegExp);
  });

  it('a prompt that is too long, and takes one of 1 MB', async () => {
    expect(await refused('run_agent', { runner: 'scripted', prompt: 'p'.repeat(2_000_001) })).toMatchObject({
      code: 'prompt_too_large',
    });
    const prompt = steps({ print: 'z'.repeat(1_000_000) });
    const run = await endOf({ prompt });
    expect(run.status).toBe('done');
    expect(await mcp.call<Facts>('get_agent_status', { runId: run.runId })).toMatchObject({ outputBytes: 1_000_000 });
  });
});

describe('a run fails, and says why', () => {
  it('when its path leads out through a symbolic link, or is no directory', async () => {
    const link = join(place.work, 'link');
    symlinkSync('/etc', link);
    const out = await endOf({ path: link });
    expect(out).toMatchObject({ status: 'failed', failure: { kind: 'path_not_allowed' } });
    expect(out.failure?.message).toContain('/etc');
    const missing = await endOf({ path: join(place.work, 'nowhere') });
    expect(missing).toMatchObject({ status: 'failed', failure: { kind: 'path_not_allowed' } });
  });

  it('when its program cannot be executed, or its prompt is too long for an argument', async () => {
    const long = await endOf({ runner: 'by-argument', prompt: 'x'.repeat(1_000_000) });
    expect(long).toMatchObject({ status: 'failed', failure: { kind: 'invalid_request' } });
    const broken = makePlace({ AGENTPOOL_CONFIG: '' });
    const program = join(broken.work, 'broken');
    writeFileSync(program, '#!/no/such/interpreter\n');
    chmodSync(program, 0o755);
    writeFileSync(
      join(broken.home, 'agentpool.config.json'),
      JSON.stringify({ runners: { broken: { command: program } } }),
    );
    const own = await startWorkerProcess(broken);
    const client = await openMcp(broken);
    const { runId } = await client.call<{ runId: string }>('run_agent', { runner: 'broken', prompt: 'x' });
    expect(await client.call<Facts>('wait_agent', { runId })).toMatchObject({
      status: 'failed',
      failure: { kind: 'not_executable' },
    });
    await client.close();
    await own.end();
    broken.clean();
  });

  it('with a runner that is nowhere installed waits, with a warning that says how to install it', async () => {
    const answer = await mcp.call<Facts>('run_agent', { runner: 'missing', prompt: 'x' });
    expect(answer).toMatchObject({ status: 'queued', warning: expect.stringContaining('there is no such program') });
    expect(await mcp.call<Facts>('kill_agent', { runId: answer.runId })).toMatchObject({ killed: true });
  });
});

it('a prompt comes through a pipe whose writer takes its time', async () => {
  const writer = `(sleep 0.3; echo '${steps({ print: 'it is here' })}')`;
  const { stdout } = await promisify(exec)(`${writer} | "${process.execPath}" "${MAIN}" run scripted -`, {
    cwd: place.work,
    env: place.env,
  });
  expect(stdout).toBe('it is here');
});

describe('what a program says', () => {
  const seen = '\u001b[2J\u001b]0;title\u0007bad \u001b[31mnews';

  it("steers nobody's terminal: failures are plain text, and so is the result that a command prints", async () => {
    const failed = await endOf({ prompt: steps({ print: `${JSON.stringify({ error: { message: seen } })}\n` }) });
    expect(failed.failure).toEqual({ kind: 'agent', message: 'bad news' });
    const { failure } = await endOf({ prompt: steps({ printError: seen }, { exit: 3 }) });
    expect(failure?.message).toBe('it exited with 3: bad news');
    const done = await endOf({ prompt: steps({ print: `${JSON.stringify({ result: seen })}\n` }) });
    expect(done.result).toBe('bad news');
    expect(await agentpool(place, ['wait', String(done.runId)])).toMatchObject({ code: 0, stdout: 'bad news\n' });
    expect((await agentpool(place, ['status', String(done.runId)])).stdout).not.toContain('\u001b');
  });

  it('is no session when it could be an option of a later command line', async () => {
    const { runId } = await endOf({ prompt: steps({ print: `${JSON.stringify({ session_id: '--evil' })}\n` }) });
    expect(await mcp.call<Facts>('get_agent_status', { runId })).not.toHaveProperty('sessionId');
  });

  it('may be long: the message of a failure is cut', async () => {
    const { failure } = await endOf({ prompt: steps({ print: `{"error":{"message":"${'x'.repeat(100_000)}"}}\n` }) });
    expect(failure?.message).toMatch(/^x{4096}…$/);
  });
});

describe('a command ends at once, and says why', () => {
  it('with 69 when Redis is not there', async () => {
    const away = { ...place, env: { ...place.env, REDIS_URL: 'redis://127.0.0.1:1' } };
    const { code, stderr } = await agentpool(away, ['runs']);
    expect([code, stderr]).toEqual([69, expect.stringContaining('Redis is unreachable')]);
  });

  it('with 78 when Redis may throw runs away', async () => {
    const redis = await startRedis('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru');
    const { code, stderr } = await agentpool({ ...place, env: { ...place.env, REDIS_URL: redis.url } }, ['worker']);
    expect([code, stderr]).toEqual([78, expect.stringContaining('maxmemory-policy noeviction')]);
    await redis.stop();
  });

  it('with 78 and every problem of the configuration', async () => {
    const wrong = { ...place, env: { ...place.env, AGENTPOOL_PORT: 'x', AGENTPOOL_CONCURENCY: '2' } };
    const { code, stderr } = await agentpool(wrong, ['runs']);
    expect(code).toBe(78);
    expect(stderr).toContain('AGENTPOOL_PORT: must be a whole number');
    expect(stderr).toContain('did you mean AGENTPOOL_CONCURRENCY?');
  });

  it('with 78 when its state directory cannot be written', async () => {
    const file = join(place.work, 'file');
    writeFileSync(file, '');
    mkdirSync(join(place.work, 'sub'), { recursive: true });
    const { REDIS_URL: _, ...env } = place.env;
    for (const args of [['worker'], ['up'], ['runs']]) {
      const { code, stderr } = await agentpool({ ...place, env: { ...env, AGENTPOOL_HOME: join(file, 'home') } }, args);
      expect([args, code, stderr]).toEqual([args, 78, expect.stringContaining('AGENTPOOL_HOME')]);
    }
  });

  it('with 78 when strangers may write into its state directory, or its file system takes no directories', async () => {
    const open = join(place.work, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const { REDIS_URL: _, ...env } = place.env;
    for (const home of process.platform === 'linux' ? [open, '/proc/nowhere'] : [open]) {
      const { code, stderr } = await agentpool({ ...place, env: { ...env, AGENTPOOL_HOME: home } }, ['runs']);
      expect([home, code, stderr]).toEqual([home, 78, expect.stringContaining(`${home}`)]);
    }
  });

  it('with 2 when it is used in the wrong way', async () => {
    for (const args of [
      ['status', 'nobody'],
      ['runs', '--nonsense'],
      ['nonsense'],
      ['run', 'nobody', 'x'],
      ['run', 'demo', 'x', '--timeout', 'soon'],
      ['runs', '--limit', '-1'],
    ]) {
      const { code, stderr } = await agentpool(place, args);
      expect([args, code]).toEqual([args, 2]);
      expect(stderr).not.toBe('');
    }
  });
});
