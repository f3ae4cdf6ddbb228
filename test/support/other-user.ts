import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Place } from './pool.js';
import { startRedis, type TestRedis } from './redis-server.js';

/** Whether tests may act as other users; says on stderr why not. */
export function isRoot(): boolean {
  const root = process.getuid?.() === 0;
  if (!root) console.warn('skipped: only root can start a worker as another user');
  return root;
}

/** Lets a user own the directories of a place, as if he had made them. */
export function giveTo(place: Place, uid: number): void {
  execFileSync('chown', ['-R', `${uid}:${uid}`, join(place.home, '..')]);
}

/** The pids of a user. */
export function processesOfUser(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid)
    .map(Number);
}

/** Whether this machine lets a user have more processes than its limit says, as some containers do; says so on stderr. */
export function hasNoProcessLimit(uid: number): boolean {
  try {
    execFileSync('prlimit', ['--nproc=1:1', '/bin/sh', '-c', '(:) || exit 1; exit 0'], {
      uid,
      gid: uid,
      stdio: 'ignore',
    });
  } catch {
    return false;
  }
  console.warn('skipped: this machine does not keep the limit of processes of a user');
  return true;
}

/** A Redis that every user of this machine may speak to. */
export async function startOpenRedis(): Promise<TestRedis> {
  const redis = await startRedis('--unixsocketperm', '777');
  chmodSync(dirname(redis.url.replace('unix://', '')), 0o755);
  return redis;
}
