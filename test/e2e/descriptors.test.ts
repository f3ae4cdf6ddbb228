import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { allRunners } from '../../src/shared/runners/list.js';
import { descriptorProblem, descriptorsOf, raiseLine } from '../../src/worker/host/descriptors.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Facts, MAIN, openMcp } from '../support/processes.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** `agentpool ...` with a hard limit of open files. */
function withDescriptors(place: Place, limit: number, args: readonly string[]) {
  const shell = `ulimit -n ${limit} && exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', shell, process.execPath, MAIN, ...args], { cwd: place.work, env: place.env });
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    seen.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    seen.stderr += bytes;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  cleanUp.push(async () => {
    child.kill('SIGTERM');
    await closed;
  });
  return { child, seen, code: async () => (await closed)[0] };
}

function place(extra: Record<string, string>, isPrivate = false): Place {
  const made = makePlace({ AGENTPOOL_PORT: '0', AGENTPOOL_LOG_FORMAT: 'json', AGENTPOOL_LOG_LEVEL: 'warn', ...extra });
  cleanUp.push(made.clean);
  const { REDIS_URL, ...env } = made.env;
  return isPrivate ? { ...made, env } : made;
}

describe('file descriptors', () => {
  it.each([
    ['a worker', ['worker'], false],
    ['up', ['up'], true],
  ])(
    'that are too few for the slots of %s end it at its start, with the line that raises them',
    async (_, args, own) => {
      const { code, seen } = withDescriptors(place({ AGENTPOOL_CONCURRENCY: '50' }, own), 128, args);
      expect(await code(), seen.stderr).toBe(78);
      expect(seen.stderr).toContain('128 file descriptors are few for 50 runs at once');
      expect(seen.stderr).toContain('ulimit -n 1024');
      expect(seen.stderr).not.toContain('defect');
    },
  );

  it('128 are enough for a worker with four slots, all of them used', async () => {
    const here = place({});
    const { child, seen } = withDescriptors(here, 128, ['worker', '--json']);
    await eventually(() => seen.stdout);
    const mcp = await openMcp(here);
    cleanUp.push(mcp.close);
    const prompt = steps({ lines: { count: 20, everyMs: 20 } }, { print: '{"result":"well"}\n' });
    const ids = await Promise.all(
      Array.from({ length: 12 }, () => mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt })),
    );
    const { runs } = await mcp.call<{ runs: Facts[] }>('wait_agent', { runIds: ids.map(({ runId }) => runId) });
    expect(runs.map(({ status }) => status)).toEqual(Array(12).fill('done'));
    expect(child.exitCode).toBeNull();
    expect(seen.stderr).not.toContain('descriptors');
  });

  it('that are few are said by doctor, which names the line', async () => {
    const here = place({ AGENTPOOL_CONCURRENCY: '8' });
    const { code, seen } = withDescriptors(here, 150, ['doctor', '--json']);
    await code();
    const limits = (JSON.parse(seen.stdout) as Facts[]).find(({ what }) => what === 'Limits');
    expect(limits).toMatchObject({ ok: true, note: true, fix: expect.stringContaining('ulimit -n 1024') });
    const { stdout } = await agentpool(here, ['doctor', '--json']);
    const hard =
      Number(execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || Number.POSITIVE_INFINITY;
    expect((JSON.parse(stdout) as Facts[]).find(({ what }) => what === 'Limits')?.note ?? false).toBe(hard < 192);
  });

  it.each([['runs'], ['worker'], ['mcp'], ['serve']])('that may not even do to load %s are no defect', async (name) => {
    const { code, seen, child } = withDescriptors(place({}), 40, [name]);
    child.stdin.end();
    const ended = await Promise.race([code(), eventually(() => seen.stdout).then(() => 0)]);
    expect([0, 78], seen.stderr).toContain(ended); // it is enough for some of them
    if (ended === 78) expect(seen.stderr).toContain('ulimit -n 1024 ');
    expect(seen.stderr).not.toContain('defect');
  });
});

describe('what a worker needs', () => {
  const runners = allRunners({});
  it.each([
    [128, 4, undefined],
    [127, 4, '127 file descriptors are few for 4 runs at once; 128 are enough'],
    [
      100,
      { claude: 1 },
      `100 file descriptors are few for ${runners.size} runs at once; ${64 + 16 * runners.size} are enough`,
    ],
  ])('of %s descriptors with slots %j', (limit, concurrency, problem) => {
    expect(descriptorProblem(descriptorsOf(limit, concurrency, runners))).toBe(problem);
  });

  it('is rounded up to what people know', () => {
    expect(raiseLine(1_100)).toMatch(/^ulimit -n 2048 /);
  });
});
