import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';
import { removeDirectory } from './remove-directory.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Redis of this test run; each test file uses a key prefix of its own. */
    redisUrl: string;
  }
}

/** Starts one real Redis for the whole test run, on a unix socket in a fresh directory, unless REDIS_URL names one. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env.REDIS_URL) {
    project.provide('redisUrl', process.env.REDIS_URL);
    return undefined;
  }
  const server = await startRedis();
  project.provide('redisUrl', server.url);
  return server.stop;
}

export interface TestRedis {
  readonly url: string;
  readonly pid: number;
  /** Ends it with SIGKILL; its append-only file stays. */
  kill(): void;
  /** How long its append-only file is (bytes). */
  written(): number;
  /** Cuts its append-only file, when it is dead: what came later is forgotten, as after a power failure. */
  forgetAfter(bytes: number): Promise<void>;
  /** Starts it again on the same files. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A Redis of a test's own, which it may kill, restart and break. */
export const startRedis = (...extraArgs: string[]): Promise<TestRedis> => startRedisBy([], ...extraArgs);

/** The same, by a command that starts the rest of its line, such as one that enters a network. */
export async function startRedisBy(launcher: readonly string[], ...extraArgs: string[]): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'ap-redis-'));
  const socket = join(directory, 'redis.sock');
  const [program, ...args] = [
    ...launcher,
    'redis-server',
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'yes',
    ...extraArgs,
  ] as [string, ...string[]];
  let child: ChildProcess;
  let ended: Promise<unknown>;
  const start = async () => {
    child = spawn(program, args, { stdio: 'ignore' });
    ended = once(child, 'exit');
    const redis = new Redis({ path: socket, retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => {}); // until it listens
    await Promise.race([redis.ping(), ended.then(() => Promise.reject(new Error('redis-server did not start')))]);
    redis.disconnect();
  };
  await start();
  const log = () => {
    const parts = join(directory, 'appendonlydir'); // since Redis 7
    const [part] = existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.incr.aof')) : [];
    return part ? join(parts, part) : join(directory, 'appendonly.aof');
  };
  return {
    written: () => statSync(log()).size,
    async forgetAfter(bytes) {
      await ended;
      truncateSync(log(), bytes);
    },
    url: `unix://${socket}`,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => void child.kill('SIGKILL'),
    async restart() {
      await ended;
      await start();
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      removeDirectory(directory);
    },
  };
}
