import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { newRunId } from '../../src/client/submit.js';
import { type Config, loadConfig } from '../../src/shared/config/load.js';
import { openLogger } from '../../src/shared/logger.js';
import { openPool, type Pool } from '../../src/shared/pool.js';
import type { RedisRole } from '../../src/shared/redis/connect.js';
import { redisTarget } from '../../src/shared/redis/target.js';
import { PATH_WITHOUT_RUNNERS } from './path-without-runners.js';
import { killProcessesWith, removeDirectory } from './remove-directory.js';

const fixture = (name: string) => new URL(`../fixtures/agents/${name}`, import.meta.url).pathname;

/** The scripted program as runners of an operator: its prompt is a list of steps. */
const CUSTOM_RUNNERS = {
  scripted: {
    command: 'node',
    args: [fixture('scripted.mjs')],
    resumeArgs: ['--resume', '{sessionId}'],
    env: { FROM_RUNNER: 'literal', SECRET: '$WORKER_SECRET' },
    output: { format: 'json-lines', sessionId: 'session_id', result: 'result', error: 'error.message' },
  },
  /** The same program, of which nobody knows how to read what it prints. */
  'plain-text': { command: 'node', args: [fixture('scripted.mjs')] },
  'by-argument': { command: 'node', args: [fixture('scripted.mjs')], prompt: 'argument' },
  /** Prints so many blocks of 1 KiB and does not look whether they were written. */
  careless: { command: 'sh', args: [fixture('careless.sh')] },
  numbering: { command: 'sh', args: [fixture('numbering.sh')] },
  missing: { command: 'no-such-program', install: 'there is no such program' },
};

/** A prompt for the scripted program. */
export const steps = (...list: Readonly<Record<string, unknown>>[]) => JSON.stringify(list);

/** A place of its own for a test file: directories, a key prefix, and the environment that names them. */
export interface Place {
  readonly home: string;
  readonly work: string;
  readonly env: Record<string, string>;
  /** Removes it; whatever still runs with its environment is ended first. */
  clean(): void;
}

export function makePlace(extra: Readonly<Record<string, string>> = {}, redisUrl: string = inject('redisUrl')): Place {
  const root = mkdtempSync(join(tmpdir(), 'ap-'));
  const work = mkdtempSync(join(root, 'work-'));
  const home = join(root, 'home');
  const config = join(root, 'agentpool.config.json');
  writeFileSync(config, JSON.stringify({ runners: CUSTOM_RUNNERS }));
  mkdirSync(home);
  return {
    home,
    work,
    env: {
      PATH: PATH_WITHOUT_RUNNERS,
      HOME: root,
      REDIS_URL: redisUrl,
      AGENTPOOL_HOME: home,
      AGENTPOOL_CONFIG: config,
      AGENTPOOL_PREFIX: `t-${newRunId()}`,
      AGENTPOOL_ALLOWED_PATHS: work,
      AGENTPOOL_CONCURRENCY: '4', // whatever the machine bears
      AGENTPOOL_LOG_LEVEL: 'error',
      AGENTPOOL_HEARTBEAT_MS: '500',
      WORKER_SECRET: 'only-the-worker-knows',
      ...extra,
    },
    clean() {
      killProcessesWith(`AGENTPOOL_HOME=${home}`, `HOME=${root}`); // our processes, and programs that they have left behind
      removeDirectory(root);
    },
  };
}

function readFileIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

export function configOf(place: Place): Config {
  return loadConfig({ env: place.env, cwd: place.work, readFile: readFileIfThere });
}

/** A connection of this test process to the pool of a place. */
export async function connect(place: Place, role: RedisRole = 'asking'): Promise<Pool> {
  const config = configOf(place);
  const target = redisTarget(config, readFileIfThere);
  if (target === undefined) throw new Error('the place has no REDIS_URL');
  return openPool(config, target, role, openLogger('test', 'error'));
}
