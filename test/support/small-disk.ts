import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Place } from './pool.js';
import { MAIN } from './processes.js';

const mount = (mib: number) => `mount -t tmpfs -o size=${mib}m tmpfs`;
const apart = ['--mount', '--map-root-user', 'sh', '-c'];

/** Why no small file system can be mounted here, in a mount namespace of a test's own; undefined where it can. */
export function whyNoSmallDisk(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', [...apart, `${mount(1)} /mnt`], { encoding: 'utf8' });
  return status === 0 ? undefined : `no small disk can be mounted here: ${error?.message ?? stderr.trim()}`;
}

export interface SmallDisk {
  /** The same AGENTPOOL_HOME, as this process can reach it. */
  readonly home: string;
  stop(): Promise<void>;
}

/** Starts a worker whose AGENTPOOL_HOME is a file system of so many MiB, which only its processes see. */
export async function startWorkerOnSmallDisk(place: Place, mib: number): Promise<SmallDisk> {
  const script = `${mount(mib)} "$0" && exec "$@"`;
  const worker = spawn('unshare', [...apart, script, place.home, process.execPath, MAIN, 'worker', '--json'], {
    cwd: place.work,
    env: place.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(worker, 'exit');
  await Promise.race([
    once(worker.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('the worker on a small disk did not start'))),
  ]);
  return {
    home: `/proc/${worker.pid}/root${place.home}`,
    async stop() {
      worker.kill('SIGKILL');
      await exited;
    },
  };
}
