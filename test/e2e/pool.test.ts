import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { identify } from '../../src/worker/process/processes.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, openMcp, startAgentpool } from '../support/processes.js';

/** A place without REDIS_URL: everything brings up the private Redis of its AGENTPOOL_HOME. */
function makePrivatePlace(): Place {
  const place = makePlace();
  const { REDIS_URL: _, ...env } = place.env;
  return { ...place, env: { ...env, AGENTPOOL_PORT: '0' } };
}

let place = makePrivatePlace();
afterEach(async () => {
  await agentpool(place, ['down']);
  place.clean();
  place = makePrivatePlace();
});

const pidOf = (name: string) => Number(/process_id:(\d+)/.exec(name)?.[1]);
const redisPids = async () => {
  const { Redis } = await import('ioredis');
  const redis = new Redis({ path: join(place.home, 'redis', 'redis.sock') });
  const pid = pidOf(await redis.info('server'));
  redis.disconnect();
  return pid;
};

describe('the private pool', () => {
  it('is brought up by the first MCP client, is shared by the next, and goes down as a whole', async () => {
    const [first, second] = await Promise.all([openMcp(place), openMcp(place)]);
    const { runId } = await first.call<{ runId: string }>('run_agent', {
      runner: 'demo',
      mode: 'quick',
      prompt: 'hello',
    });
    expect(await second.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done' });
    const { workers } = await second.call<{ workers: Facts[] }>('pool_status', {});
    expect(workers).toHaveLength(1);
    const redis = await redisPids();
    await Promise.all([first.close(), second.close()]);
    expect((await agentpool(place, ['down'])).stdout).toBe('the pool is down\n');
    expect(identify(redis)).toBeUndefined();
    expect((await agentpool(place, ['down'])).stdout).toBe('no pool was running\n');
  });

  it('has one Redis, also when many commands race for it, and what it knows outlives it', async () => {
    const results = await Promise.all(
      Array.from({ length: 4 }, () => agentpool(place, ['run', 'demo', 'later', '--no-follow'])),
    );
    const ids = results.map(({ stdout }) => stdout.trim());
    expect(new Set(ids).size).toBe(4);
    await agentpool(place, ['down']);
    const { stdout } = await agentpool(place, ['runs', '--json']);
    const { runs } = JSON.parse(stdout) as { runs: { runId: string; status: string }[] };
    expect(runs.map(({ runId, status }) => `${runId} ${status}`).sort()).toEqual(
      ids.map((id) => `${id} queued`).sort(),
    );
  });

  it('ends with its parent, even a killed one, and the next up takes the running programs over', async () => {
    const gate = join(place.work, 'go-on');
    const up = await startAgentpool(place, ['up', '--json']);
    const { stdout: id } = await agentpool(place, [
      'run',
      'scripted',
      steps({ until: gate }, { print: 'went on\n' }),
      '--no-follow',
      '--agent',
      'tough',
    ]);
    const status = async () =>
      JSON.parse((await agentpool(place, ['status', 'tough', '--json'])).stdout) as Facts & {
        pid: number;
        worker: string;
      };
    const before = await eventually(status, ({ pid }) => pid !== undefined);
    await up.end('SIGKILL');
    const next = await startAgentpool(place, ['up', '--json']);
    const after = await eventually(status, ({ worker }) => worker !== before.worker, 30_000);
    expect(after).toMatchObject({ status: 'running', pid: before.pid });
    writeFileSync(gate, '');
    const waited = await agentpool(place, ['wait', 'tough', '--json']);
    expect(JSON.parse(waited.stdout)).toMatchObject({ runId: id.trim(), status: 'done', exitCode: 0 });
    expect(await status()).toMatchObject({ pid: before.pid, outputBytes: 8, worker: after.worker });
    await next.end('SIGTERM');
  });
});

describe('the command line', () => {
  it('does the main job: up --detach, run, logs, wait, kill, status, doctor, down', async () => {
    const { url } = JSON.parse((await agentpool(place, ['up', '--detach', '--json'])).stdout) as { url: string };
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await agentpool(place, ['up'])).stdout).toContain('A pool runs already');

    const run = await agentpool(place, ['run', 'demo', '-', '--mode', 'quick', '--agent', 'cli'], 'by stdin');
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^session: .*\nstep 1 of 8[\s\S]*result: done with "by stdin" in 8 steps\n$/);
    const failing = await agentpool(place, ['run', 'demo', 'please fail', '--mode', 'quick']);
    expect([failing.code, failing.stderr]).toEqual([1, expect.stringContaining('the demo was asked to fail')]);

    const logs = await agentpool(place, ['logs', 'cli', '--since', '5m']);
    expect(logs.stdout).toBe(run.stdout);
    expect((await agentpool(place, ['wait', 'cli'])).stdout).toBe('done with "by stdin" in 8 steps\n');

    const endless = (await agentpool(place, ['run', 'demo', 'lines 9999', '--no-follow'])).stdout.trim();
    expect((await agentpool(place, ['kill', endless.slice(0, 10)])).stdout).toBe('killed\n');
    expect((await agentpool(place, ['wait', endless])).code).toBe(1);

    const doctor = JSON.parse((await agentpool(place, ['doctor', '--json'])).stdout) as { what: string; ok: boolean }[];
    expect(doctor.filter(({ ok }) => ok).map(({ what }) => what)).toEqual(
      expect.arrayContaining(['Node', 'Redis', expect.stringMatching(/^Worker /), 'Runner demo']),
    );
    for (const command of [
      'up',
      'run',
      'runs',
      'status',
      'logs',
      'wait',
      'kill',
      'doctor',
      'demo',
      'serve',
      'worker',
      'mcp',
      'down',
    ])
      expect((await agentpool(place, [command, '--help'])).stdout).toContain('Example:');
  });

  it('shows the main job in the demo and takes its pool down again', async () => {
    const { code, stdout } = await agentpool(place, ['demo', '--json']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Facts[]).map(({ status }) => status)).toEqual(['done', 'done', 'killed']);
    expect(readFileSync(join(place.home, 'up.log'), 'utf8')).not.toContain('"level":50');
    expect((await agentpool(place, ['down'])).stdout).toBe('no pool was running\n');
  });
});
