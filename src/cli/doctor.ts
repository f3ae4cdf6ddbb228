import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Command } from 'commander';
import colors from 'picocolors';
import { ConfigError, messageOf } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { redisProblems } from '../shared/redis/check.js';
import { allRunners } from '../shared/runners/list.js';
import { baseEnvironment } from '../worker/environment.js';
import { findProgram, programVersion } from '../worker/installed.js';
import { type Context, openContext } from './context.js';
import { print, printJson, size } from './print.js';

/** One thing that was looked at. */
interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** What mends it. */
  readonly mend?: string;
}

const LITTLE_SPACE = 1024 ** 3;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is here and what is missing, each problem with the line that mends it')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool doctor')
    .action(async (options: { json?: boolean }) => {
      const context = openContext('doctor', { AGENTPOOL_LOG_LEVEL: 'silent' });
      const findings = [
        nodeFinding(),
        ...(await redisFindings(context)),
        ...(await runnerFindings(context)),
        spoolFinding(context),
      ];
      if (options.json) return printJson(findings);
      for (const { what, ok, found, mend } of findings) {
        print(`${ok ? colors.green('✓') : colors.red('✗')} ${what.padEnd(16)} ${found}`);
        if (mend && !ok) print(`  ${' '.repeat(16)} ${colors.yellow(mend)}`);
      }
    });
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { what: 'Node', ok, found: process.versions.node, mend: 'install Node 20.19 or newer' };
}

async function redisFindings(context: Context): Promise<Finding[]> {
  const where = context.config.redisUrl ? 'REDIS_URL' : 'private';
  let pool: Pool;
  try {
    pool = await context.connect('asking');
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
    return problems.map((problem) => ({ what: 'Redis', ok: false, found: problem, mend: privateRedisMend(context) }));
  }
  try {
    const [health, workers, queues] = await Promise.all([pool.health(), pool.workers.living(), pool.queues.counts()]);
    const waiting = queues.reduce((sum, queue) => sum + queue.waiting, 0);
    const [problem] = redisProblems(health);
    return [
      {
        what: 'Redis',
        ok: problem === undefined,
        found: problem ?? `${health.version}, ${where}, ${size(health.usedMemoryBytes)} used, ${health.evictionPolicy}`,
      },
      {
        what: 'Redis on disk',
        ok: health.appendOnly,
        found: health.appendOnly ? 'append-only file is on' : 'append-only file is off: a restart of Redis loses runs',
        mend: 'redis-cli config set appendonly yes',
      },
      {
        what: 'Workers',
        ok: workers.length > 0,
        found:
          workers.length > 0
            ? workers.map(({ host, running, capacity }) => `${host} (${running} of ${capacity} busy)`).join(', ')
            : 'none alive',
        mend: 'agentpool up --detach   (or, on any host with the same REDIS_URL: agentpool worker)',
      },
      { what: 'Queues', ok: true, found: `${waiting} waiting in ${queues.length} queues` },
    ];
  } finally {
    await pool.stop();
  }
}

function privateRedisMend({ config, env }: Context): string {
  if (config.redisUrl) return 'check REDIS_URL, and that the server runs';
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .some((dir) => canRun(join(dir, 'redis-server')) || canRun(join(dir, 'valkey-server')));
  if (onPath) return `look into ${join(config.home, 'redis', 'redis.log')}`;
  return process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install -y redis-server';
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function runnerFindings({ config, env }: Context): Promise<Finding[]> {
  const runners = [...allRunners(config.customRunners).values()];
  return Promise.all(
    runners.map(async ({ name, command, install, versionArgs }) => {
      const what = `Runner ${name}`;
      const program = findProgram(command, env);
      if (!program) return { what, ok: false, found: `${command} is not on PATH`, mend: install };
      const version = versionArgs
        ? await programVersion(program, versionArgs, baseEnvironment(env)).catch(() => undefined)
        : undefined;
      return { what, ok: true, found: version ? `${version}, ${program}` : program };
    }),
  );
}

function spoolFinding({ config }: Context): Finding {
  const what = 'Spool space';
  try {
    mkdirSync(config.home, { recursive: true, mode: 0o700 });
    accessSync(config.home, constants.W_OK);
    const { bavail, bsize } = statfsSync(config.home);
    const free = bavail * bsize;
    return {
      what,
      ok: free > LITTLE_SPACE,
      found: `${size(free)} free in ${config.home}`,
      mend: 'make room, or set AGENTPOOL_HOME to a larger disk',
    };
  } catch (error) {
    return {
      what,
      ok: false,
      found: `${config.home}: ${messageOf(error)}`,
      mend: 'set AGENTPOOL_HOME to a directory of yours',
    };
  }
}
