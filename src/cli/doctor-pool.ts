import { join } from 'node:path';
import { limitInWords, limitsInUse, type RunnerLimitView } from '../client/runner-limits.js';
import type { ProfileSummary } from '../shared/agents/profile.js';
import type { UnreadableAgent } from '../shared/agents/stored-profile.js';
import { ConfigError, messageOf } from '../shared/errors.js';
import { findProgram } from '../shared/find-program.js';
import { size } from '../shared/measures.js';
import type { Pool } from '../shared/pool.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import { partsOf, serves } from '../shared/queues/route.js';
import { redisProblems, STREAM_NODE_BYTES } from '../shared/redis/check.js';
import { HOST_FIXES, type LivingWorker } from '../shared/workers/workers.js';
import type { Context } from './context.js';
import type { Finding } from './finding.js';

interface SeenPool {
  readonly findings: readonly Finding[];
  readonly workers: readonly LivingWorker[];
  /** Absent: Redis was not there to be asked. */
  readonly agents?: readonly ProfileSummary[];
}

/** What can be learned from Redis: about itself, the living workers, the queues and the stored agents. */
export async function poolFindings(context: Context): Promise<SeenPool> {
  let pool: Pool;
  try {
    pool = await context.connect('asking');
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : [messageOf(error)];
    const findings = problems.map((found) => ({ what: 'Redis', ok: false, found, fix: redisFix(context) }));
    return { findings, workers: [] };
  }
  try {
    const asked = [pool.workers.living(), pool.queues.counts(), pool.agents.list()] as const;
    const [workers, queues, agents] = await Promise.all(asked);
    const redis = await redisFindings(pool, context.config.redisUrl ? 'REDIS_URL' : 'private');
    return {
      findings: [
        ...redis,
        ...workersFindings(workers),
        ...queueFindings(pool, queues, workers),
        ...limitFindings(await limitsInUse(pool, workers)),
        ...unreadableFindings(agents.unreadable),
      ],
      workers,
      agents: agents.agents,
    };
  } finally {
    await pool.stop();
  }
}

const limitFindings = (limits: readonly RunnerLimitView[]): Finding[] =>
  limits.map((limit) => ({ what: `Limit of ${limit.runner}`, ok: true, found: limitInWords(limit) }));

const unreadableFindings = (unreadable: readonly UnreadableAgent[]): Finding[] =>
  unreadable.map(({ name, problem }) => ({
    what: `Agent ${name}`,
    ok: true,
    note: true,
    found: problem,
    fix: 'update this agentpool, or delete the agent and create it anew',
  }));

async function redisFindings(pool: Pool, where: string): Promise<Finding[]> {
  const [health, nodeBytes] = await Promise.all([pool.health(), pool.streamNodeBytes()]);
  const { version, usedMemoryBytes, evictionPolicy, appendOnly } = health;
  const [problem] = redisProblems(health);
  const found =
    problem ?? `${version}, ${where}, ${size(usedMemoryBytes)} used, ${evictionPolicy || 'eviction unknown'}`;
  return [
    { what: 'Redis', ok: problem === undefined, found },
    {
      what: 'Redis on disk',
      ok: appendOnly,
      found: appendOnly ? 'append-only file is on' : 'append-only file is off: a restart of Redis loses runs',
      fix: 'redis-cli config set appendonly yes   (and "appendonly yes" in redis.conf)',
    },
    {
      what: 'Redis streams',
      ok: true,
      note: nodeBytes !== undefined && nodeBytes < STREAM_NODE_BYTES,
      found:
        nodeBytes === undefined
          ? 'stream-node-max-bytes cannot be asked for with these rights'
          : `stream-node-max-bytes is ${nodeBytes}${nodeBytes < STREAM_NODE_BYTES ? ': output takes about a third more memory than it has to' : ''}`,
      fix: `redis-cli config set stream-node-max-bytes ${STREAM_NODE_BYTES}   (and in redis.conf)`,
    },
  ];
}

function workersFindings(workers: readonly LivingWorker[]): Finding[] {
  if (workers.length === 0)
    return [
      {
        what: 'Workers',
        ok: false,
        found: 'none alive',
        fix: 'agentpool up --detach   (or, on any host with the same REDIS_URL: agentpool worker)',
      },
    ];
  return workers.map(({ host, running, capacity, runners, labels = [], phase, problem, cordonedSince }) => {
    const what = `Worker ${host}`;
    if (problem) {
      const found = `takes no runs since ${new Date(problem.since).toISOString()}: ${problem.message}`;
      return { what, ok: false, found, fix: HOST_FIXES[problem.kind] };
    }
    const offers = runners.map(({ name }) => name).join(', ');
    const labelled = labels.length === 0 ? '' : `, labels ${labels.join(' ')}`;
    const since = cordonedSince === undefined ? '' : `, cordoned since ${new Date(cordonedSince).toISOString()}`;
    const found = `${running} of ${capacity} busy, has ${offers}${labelled}${phase === 'ready' ? '' : `, ${phase}`}${since}`;
    return { what, ok: true, found };
  });
}

function queueFindings(pool: Pool, queues: readonly QueueCounts[], workers: readonly LivingWorker[]): Finding[] {
  const isServed = (queue: string) =>
    workers.some(({ host, labels, runners }) =>
      serves({ host, labels, runners: runners.map(({ name }) => name) }, queue),
    );
  const depths = queues.filter(({ waiting, delayed, active }) => waiting + delayed + active > 0);
  const deserted = depths.filter(({ queue, waiting, delayed }) => waiting + delayed > 0 && !isServed(queue));
  const shown = depths.map(({ queue, waiting, delayed, active }) => {
    const later = delayed > 0 ? `, ${delayed} for a time or a session` : '';
    return `${queue}: ${waiting} waiting${later}, ${active} running`;
  });
  return [
    { what: 'Queues', ok: true, found: shown.join('; ') || 'empty' },
    ...deserted.map(({ queue, waiting, delayed }) => {
      const { runner: name, requires, host } = partsOf(queue);
      const runner = name === undefined ? undefined : pool.runners.get(name);
      const runs = waiting + delayed === 1 ? 'a run waits' : `${waiting + delayed} runs wait`;
      const found = `${runs}, and no living worker listens`;
      const labels = requires.length === 0 ? '' : `AGENTPOOL_WORKER_LABELS=${requires.join(',')} `;
      const start = `${labels}agentpool worker`;
      const onHost = `start a worker on ${host === undefined ? `a host that has ${name}` : 'that host'}: ${start}`;
      const fix = runner && labels === '' ? `on a host with a worker: ${runner.install}` : onHost;
      return { what: `Queue ${queue}`, ok: false, found, fix };
    }),
  ];
}

function redisFix({ config, env }: Context): string {
  if (config.redisUrl) return 'check REDIS_URL, and that the server runs';
  const onPath = ['redis-server', 'valkey-server'].some((program) => findProgram(program, env));
  if (onPath) return `look into ${join(config.home, 'redis', 'redis.log')}`;
  return process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install -y redis-server';
}
