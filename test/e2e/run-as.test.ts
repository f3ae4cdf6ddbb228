import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { giveTo, isRoot, startOpenRedis } from '../support/other-user.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, eventually, type Facts, MAIN, openMcp, startWorkerProcess } from '../support/processes.js';
import { spoolOfRun } from '../support/spools.js';

const NOBODY = 65_534;
const OTHER = 64_018;
const SECRET = 'only-for-the-worker';
const runners = { shell: { command: 'sh', versionArgs: ['-c', 'echo 1.0.$(id -u)'] }, other: { command: 'sh' } };

function openPlace(env: Readonly<Record<string, string>>): Place {
  const place = makePlace({ AGENTPOOL_RUN_AS: `nobody,other=${OTHER}:${OTHER}`, SECRET_OF_WORKER: SECRET, ...env });
  writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners }));
  for (const directory of [dirname(place.home), place.work]) chmodSync(directory, 0o711);
  chownSync(place.work, NOBODY, NOBODY);
  return place;
}

describe.runIf(isRoot())('a worker of root that starts programs as another user', () => {
  const place = openPlace({});
  let mcp: Awaited<ReturnType<typeof openMcp>>;
  let worker: Awaited<ReturnType<typeof startWorkerProcess>>;
  beforeAll(async () => {
    writeFileSync(join(place.home, 'secrets.env'), `A_KEY=${SECRET}\n`, { mode: 0o600 });
    worker = await startWorkerProcess(place);
    mcp = await openMcp(place);
  });
  afterAll(async () => {
    await mcp.close();
    await worker.end();
    place.clean();
  });

  const begin = async (prompt: string, runner = 'shell') =>
    (await mcp.call<{ runId: string }>('run_agent', { runner, prompt })).runId;
  const end = async (runId: string) => {
    await mcp.call('wait_agent', { runId, timeoutMs: 40_000 });
    const status = await mcp.call<Facts>('get_agent_status', { runId });
    // The tail is left out where the result says the same.
    const { output } = await mcp.call<{ output: string }>('stream_agent_output', { runId, maxBytes: 65_536 });
    return { ...status, status: status.status, outputTail: output };
  };
  const running = (runId: string) =>
    eventually(
      () => mcp.call<Facts & { outputTail: string; pid: number }>('get_agent_status', { runId }),
      ({ outputTail }) => outputTail !== '',
    );
  const spoolOf = (runId: string) => spoolOfRun(place, runId) ?? join(place.home, 'spool', 'gone');

  it('gives them that user, none of our groups, and his home', async () => {
    const asked = 'echo "$(id -u):$(id -g):$(id -G) $USER $(pwd)"; echo "$HOME" >&2; exit 3';
    expect(await end(await begin(asked))).toMatchObject({
      status: 'failed',
      exitCode: 3,
      outputTail: expect.stringContaining(`${NOBODY}:${NOBODY}:${NOBODY} nobody ${place.work}\n`),
    });
    const { outputTail } = await end(await begin('echo "$(id -u):$(id -G)"', 'other'));
    expect(outputTail).toBe(`${OTHER}:${OTHER}\n`);
  });

  it('starts none in a directory that this user may not enter, and says so', async () => {
    const above = join(place.work, 'of-root');
    const path = join(above, 'open-to-all');
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    const inThere = async () => {
      const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'shell', prompt: 'touch here', path });
      return end(runId);
    };
    chmodSync(above, 0o700);
    expect(await inThere()).toMatchObject({
      status: 'failed',
      failure: {
        kind: 'path_not_allowed',
        message: expect.stringContaining(`cannot be entered by the user ${NOBODY}`),
      },
    });
    expect(readdirSync(path)).toEqual([]);
    chmodSync(above, 0o711);
    expect(await inThere()).toMatchObject({ status: 'done' });
  });

  it('asks them for their version as that user: they may have put another program in its place', async () => {
    const version = async () => {
      const { workers } = await mcp.call<{ workers: { runners: { name: string; version?: string }[] }[] }>(
        'pool_status',
        {},
      );
      return workers[0]?.runners.find(({ name }) => name === 'shell')?.version;
    };
    expect(await eventually(version)).toBe(`1.0.${NOBODY}`);
  });

  it('takes what they print, opened anew as well, and finds the result', async () => {
    const { status, outputTail } = await end(await begin('echo out; echo err >/dev/stderr; sleep 0.2; echo more'));
    expect(status).toBe('done');
    expect(outputTail.split('\n').sort()).toEqual(['', 'err', 'more', 'out']);
  });

  it('lets them read neither its secrets, its environment, the private things of its home nor spools of others', async () => {
    const others = await begin(`echo ${SECRET}; exec sleep 60`, 'other');
    await running(others);
    const places = [
      join(place.home, 'secrets.env'),
      `/proc/${worker.child.pid}/environ`,
      join(spoolOf(others), 'stdout'),
      join(spoolOf(others), 'stdin'),
      join(spoolOf(others), 'meta.json'),
    ];
    for (const path of places) expect(existsSync(path), path).toBe(true);
    const listed = [place.home, join(place.home, 'spool'), spoolOf(others), dirname(spoolOf(others))];
    const script = [
      ...places.map((path) => `cat ${path} && echo GOT ${path}`),
      ...listed.flatMap((path) => [`ls ${path} && echo GOT ${path}`, `touch ${path}/x && echo GOT ${path}/x`]),
      `ln -s /etc ${dirname(spoolOf(others))}/x && echo GOT a link`,
      'env | grep -E "SECRET|REDIS|AGENTPOOL_[^R]" && echo GOT the environment',
      `kill -0 ${worker.child.pid} && echo GOT a signal`,
      'true',
    ];
    const { status, outputTail } = await end(await begin(script.join('\n')));
    expect(status).toBe('done');
    expect(outputTail).not.toMatch(new RegExp(`GOT|${SECRET}`));
    expect(await mcp.call('kill_agent', { runId: others })).toMatchObject({ killed: true, status: 'killed' });
  });

  it('keeps the files of a spool for its user alone', async () => {
    const runId = await begin('echo on; exec sleep 60');
    await running(runId);
    const spool = spoolOf(runId);
    const modes = ['.', 'once', 'stdin', 'stdout', 'stderr', 'meta.json'].map((name) => {
      const { mode, uid } = lstatSync(join(spool, name));
      return [name, (mode & 0o777).toString(8), uid];
    });
    expect(modes).toEqual(modes.map(([name]) => [name, name === '.' ? '700' : '600', NOBODY]));
    await mcp.call('kill_agent', { runId });
  });

  it('does with what they put into their spool no more than they could', async () => {
    const target = join(place.home, 'target');
    writeFileSync(target, SECRET, { mode: 0o600 });
    const script = `S=$(dirname "$(readlink /proc/self/fd/0)")
      for f in stdout stderr meta.json kin.json; do rm -f "$S/$f"; ln -s ${target} "$S/$f"; done
      ln -s ${join(place.home, 'made')} "$S/rewound.json.tmp"; mkdir "$S/d"; ln -s ${place.home} "$S/d/l"
      sleep 1; echo a; exit 0`;
    const runId = await begin(script);
    const spool = spoolOf(runId);
    const ended = await end(runId);
    expect(JSON.stringify(ended)).not.toContain(SECRET);
    await eventually(() => !existsSync(spool));
    expect([readFileSync(target, 'utf8'), existsSync(join(place.home, 'made'))]).toEqual([SECRET, false]);
  });

  it('is followed by another one that goes on with what it left', async () => {
    const runId = await begin('echo one; until [ -e go ]; do sleep 0.1; done; echo two');
    await running(runId);
    await worker.end('SIGKILL');
    worker = await startWorkerProcess(place);
    writeFileSync(join(place.work, 'go'), '');
    expect(await end(runId)).toMatchObject({ status: 'done', exitCode: 0, outputTail: 'one\ntwo\n' });
  });

  it.each([
    ['no-such-user', {}, 'no user no-such-user'],
    ['root', {}, 'is root'],
    ['nobody', { uid: NOBODY }, 'only a worker of root'],
  ])('does not start as %s with %j', async (user, conditions, reason) => {
    const redis = await startOpenRedis();
    const own = openPlace({ AGENTPOOL_RUN_AS: user, REDIS_URL: redis.url });
    if ('uid' in conditions) giveTo(own, NOBODY);
    const { code, stderr } = await agentpool(own, ['worker', '--json'], '', MAIN, conditions);
    expect([code, stderr]).toEqual([78, expect.stringContaining(reason)]);
    await redis.stop();
    own.clean();
  });

  it.each([
    ['a home that he cannot pass', (own: Place) => chmodSync(dirname(own.home), 0o700), 'cannot reach'],
    [
      'secrets that he could read',
      (own: Place) => writeFileSync(join(own.home, 'secrets.env'), '', { mode: 0o644 }),
      'secrets.env: chmod 600',
    ],
  ])('does not start with %s', async (_, spoil, reason) => {
    const own = openPlace({});
    spoil(own);
    const { code, stderr } = await agentpool(own, ['worker', '--json']);
    expect([code, stderr]).toEqual([78, expect.stringContaining(reason)]);
    own.clean();
  });
});
