import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { connect, makePlace, type Place } from '../support/pool.js';
import { eventually, MAIN, startWorkerProcess } from '../support/processes.js';

const apart = ['--mount', '--map-root-user', 'sh', '-c'];
const mayMount = spawnSync('unshare', [...apart, 'mount -t tmpfs tmpfs /mnt']).status === 0;
const reason = !mayMount
  ? 'nothing can be mounted here'
  : existsSync('/etc/machine-id')
    ? undefined
    : 'this system has no /etc/machine-id to put another one over';
if (reason) console.info(`skipped: ${reason}`);

const cleanUp = cleanUpAfterEach();

/** The same pool and host name, with a state directory of its own. */
function beside(place: Place): Place {
  const own = makePlace();
  cleanUp.push(own.clean);
  const { AGENTPOOL_PREFIX = '', AGENTPOOL_HOST_NAME = '' } = place.env;
  return { ...own, env: { ...own.env, AGENTPOOL_PREFIX, AGENTPOOL_HOST_NAME } };
}

/** Starts a worker as on a machine with another id; answers its exit code and what it said. */
async function onAnotherMachine(place: Place) {
  const id = join(place.work, 'machine-id');
  writeFileSync(id, '0123456789abcdef0123456789abcdef\n');
  const script = 'mount --bind "$0" /etc/machine-id && exec "$@"';
  const child = spawn('unshare', [...apart, script, id, process.execPath, MAIN, 'worker', '--json'], {
    cwd: place.work,
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const exited = once(child, 'close') as Promise<[number | null]>; // with all that it has printed
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const ready = once(child.stdout, 'data').then(() => 'ready' as const);
  const outcome = await Promise.race([ready, exited.then(([code]) => code)]);
  return { outcome, stderr };
}

describe.skipIf(reason !== undefined)('two machines with one host name', () => {
  it('the second worker is refused at start with exit 78, and the first one goes on', async () => {
    const place = makePlace({ AGENTPOOL_HOST_NAME: 'twin' });
    cleanUp.push(place.clean);
    const first = await startWorkerProcess(place);
    cleanUp.push(() => first.end('SIGKILL'));
    const { outcome, stderr } = await onAnotherMachine(beside(place));
    expect(outcome).toBe(78);
    expect(stderr).toContain('AGENTPOOL_HOST_NAME: a worker of another machine lives under the host name twin');
    const pool = await connect(place);
    cleanUp.push(pool.stop);
    const living = await pool.workers.list();
    expect(living.map(({ id }) => id)).toEqual([(JSON.parse(first.line) as { id: string }).id]);
  });

  it('take turns: a machine that is gone leaves its name to the next one', async () => {
    const place = makePlace({ AGENTPOOL_HOST_NAME: 'twin' });
    cleanUp.push(place.clean);
    const first = await startWorkerProcess(place);
    await first.end('SIGKILL');
    expect(await onAnotherMachine(beside(place))).toMatchObject({ outcome: 'ready' });
  });
});

describe('two workers of one machine with one host name', () => {
  it('both work, also with state directories of their own', async () => {
    const place = makePlace({ AGENTPOOL_HOST_NAME: 'shared' });
    cleanUp.push(place.clean);
    for (const own of [place, place, beside(place)]) {
      const worker = await startWorkerProcess(own);
      cleanUp.push(() => worker.end('SIGKILL'));
    }
    const pool = await connect(place);
    cleanUp.push(pool.stop);
    await eventually(
      () => pool.workers.living(),
      (workers) => workers.length === 3,
    );
  });
});
