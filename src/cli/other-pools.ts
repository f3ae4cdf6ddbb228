import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { userDirectory } from '../shared/config/sources.js';
import { type PoolProcess, readPoolProcess } from './pool-process.js';

type Env = Readonly<Record<string, string | undefined>>;

/** A pool that runs on this machine, by its AGENTPOOL_HOME. */
export interface RunningPool extends Pick<PoolProcess, 'url'> {
  readonly home: string;
}

/**
 * Each `up` of a user is noted where every process of that user looks, whatever AGENTPOOL_HOME and XDG_... it has: clients
 * hand on little of their environment, and so bring up a second pool without knowing of the first.
 */
const listFor = ({ HOME }: Env) => join(userDirectory({ HOME }), 'pools');
const fileOf = (home: string, env: Env) =>
  join(listFor(env), createHash('sha256').update(home).digest('hex').slice(0, 32));

/** Notes that a pool runs; only to be shown, so where it cannot be written nothing is lost. */
export function notePool(home: string, env: Env): void {
  try {
    mkdirSync(listFor(env), { recursive: true, mode: 0o700 });
    writeFileSync(fileOf(home, env), home, { mode: 0o600 });
  } catch {}
}

/** Takes back what `notePool` did. */
export function forgetPool(home: string, env: Env): void {
  try {
    rmSync(fileOf(home, env), { force: true });
  } catch {}
}

/** The pools of this user that run on this machine, besides that of an AGENTPOOL_HOME. */
export function otherPools(home: string, env: Env): RunningPool[] {
  return notedHomes(env)
    .filter((other) => other !== home)
    .flatMap((other) => {
      const running = readPoolProcess(other);
      return running ? [{ home: other, url: running.url }] : [];
    });
}

function notedHomes(env: Env): string[] {
  try {
    return readdirSync(listFor(env)).map((name) => readFileSync(join(listFor(env), name), 'utf8'));
  } catch {
    return [];
  }
}

/** A warning for users of the pool of an AGENTPOOL_HOME; undefined if it is the only pool. */
export function otherPoolsInWords(home: string, env: Env): string | undefined {
  const others = otherPools(home, env).map((one) => `AGENTPOOL_HOME=${one.home} (${one.url})`);
  if (others.length === 0) return undefined;
  return `This is the pool of AGENTPOOL_HOME=${home}. On this machine runs another one, with runs and workers of its own: ${others.join(', ')}. Where that is meant, AGENTPOOL_HOME has to say so in the environment; agentpool connect writes it for clients.`;
}
