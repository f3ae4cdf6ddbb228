import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { mustBeOurs, privateDirectory } from '../config/home.js';
import { ConfigError, codeOf, UnreachableError } from '../errors.js';
import { findProgram } from '../find-program.js';
import { STREAM_NODE_BYTES } from './check.js';

/** Where the private server of one AGENTPOOL_HOME listens. */
function embeddedSocket(home: string): string {
  return join(home, 'redis', 'redis.sock');
}

/** The kernel's limit is 107 bytes on Linux and 103 on macOS. */
const LONGEST_SOCKET_PATH = 103;
/** A large append-only file takes its time to load. */
const START_WITHIN_MS = 60_000;
/** A server that accepts a connection and does not answer within this time (ms) is stopped or stuck; commands must answer within 6 s. */
const PROBE_WITHIN_MS = 4_000;
/** How long another process may take to start it (ms) while that process is alive. */
const LOCKED_WITHIN_MS = 60_000;

const CONFIG = [
  ['--port', '0'],
  ['--unixsocketperm', '700'],
  ['--appendonly', 'yes'],
  ['--appendfsync', 'everysec'],
  ['--save', ''],
  ['--maxmemory-policy', 'noeviction'],
  ['--stream-node-max-bytes', String(STREAM_NODE_BYTES)],
  ['--daemonize', 'no'],
].flat();

/**
 * The private Redis of an AGENTPOOL_HOME: answers with its socket, starting it when it does not run. Two commands that
 * race start one. It outlives its starter and is ended by `stopEmbeddedRedis`.
 */
export async function ensureEmbeddedRedis(
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const socket = embeddedSocket(home);
  if (Buffer.byteLength(socket) > LONGEST_SOCKET_PATH)
    throw new ConfigError([
      `AGENTPOOL_HOME: ${home} is too long for a unix socket; use a path of at most ${LONGEST_SOCKET_PATH - 17} bytes`,
    ]);
  const directory = privateDirectory(dirname(socket), home);
  mustBeOurs(socket);
  if (await answers(socket)) return socket;
  const release = await lockedUnlessThere(directory, socket);
  if (!release) return socket;
  try {
    if (!(await answers(socket))) await start(directory, socket, serverProgram(env), env);
  } finally {
    await release().catch(() => {});
  }
  return socket;
}

/** Waits for the process that is starting it; undefined when Redis is there, so that no lock is needed. */
async function lockedUnlessThere(directory: string, socket: string): Promise<(() => Promise<void>) | undefined> {
  const { lock } = await import('proper-lockfile').then(({ default: lockfile }) => lockfile); // seldom needed
  const deadline = performance.now() + LOCKED_WITHIN_MS;
  for (;;) {
    try {
      return await lock(directory, { stale: 10_000, onCompromised: () => {} });
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED' || performance.now() > deadline) throw error;
    }
    if (await answers(socket)) return undefined;
    await pause(50);
  }
}

/** Ends the private Redis after it has saved everything; answers whether there was one. */
export async function stopEmbeddedRedis(home: string): Promise<boolean> {
  const socket = embeddedSocket(home);
  if (!(await answers(socket))) return false;
  const redis = probe(socket);
  try {
    await redis.connect();
    await redis.shutdown('NOSAVE').catch(() => {}); // the append-only file has everything
  } finally {
    redis.disconnect();
  }
  while (await answers(socket)) await pause(20);
  return true;
}

function serverProgram(env: Readonly<Record<string, string | undefined>>): string {
  const found = findProgram('redis-server', env) ?? findProgram('valkey-server', env);
  if (found) return found;
  const install = process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install -y redis-server';
  throw new ConfigError([`there is no Redis: install one (${install}), or set REDIS_URL to one of yours`]);
}

async function start(
  directory: string,
  socket: string,
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const log = join(directory, 'redis.log');
  const args = ['--unixsocket', socket, '--dir', directory, '--logfile', log, ...CONFIG];
  // Nothing of our environment: it may hold secrets, and the mark of the run that we may be called from.
  const { execa } = await import('execa'); // seldom needed, and slow to load
  const child = execa(program, args, {
    detached: true,
    stdio: 'ignore',
    cwd: directory,
    env: { PATH: env.PATH ?? '', HOME: directory },
    extendEnv: false,
    cleanup: false,
    reject: false,
  });
  let ended = false;
  void child.then(() => {
    ended = true;
  });
  child.unref();
  const deadline = performance.now() + START_WITHIN_MS;
  while (!(await answers(socket))) {
    if (ended || performance.now() > deadline)
      throw new ConfigError([`${program} did not start: ${lastLine(log)} (see ${log})`]);
    await pause(10);
  }
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
  } catch {
    return 'it wrote no log';
  }
}

function probe(socket: string): Redis {
  const redis = new Redis({
    path: socket,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    disconnectTimeout: 100,
    socketTimeout: PROBE_WITHIN_MS,
    enableReadyCheck: false,
  });
  redis.on('error', () => {});
  return redis;
}

/**
 * Whether a server answers on the socket; one that is still loading its file answers with an error. Throws an
 * UnreachableError for one that accepts and stays silent: a second server on the same files would damage them.
 */
async function answers(socket: string): Promise<boolean> {
  const redis = probe(socket);
  let silent = false;
  redis.on('error', (error: Error) => {
    silent ||= /^Socket timeout|ETIMEDOUT/.test(error.message);
  });
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    if (!silent) return false;
    throw new UnreachableError(
      `the private Redis does not answer (${socket})`,
      'It may be stopped or stuck. Look for its process (pgrep -af redis-server); a stopped one goes on after: kill -CONT <pid>',
    );
  } finally {
    redis.disconnect();
  }
}
