import { counted, duration } from '../shared/measures.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import { partsOf } from '../shared/queues/route.js';
import { type RedisHealth, redisProblems } from '../shared/redis/check.js';
import { HOST_FIXES, type LivingWorker } from '../shared/workers/workers.js';
import { servedBy } from './served.js';

/** Something that a person has to fix, or has to know. */
export interface Notice {
  readonly what: string;
  /** What fixes it; a command between backticks. */
  readonly fix: string;
}

/** What the notices are drawn from. */
export interface Watched {
  readonly workers: readonly LivingWorker[];
  readonly queues: readonly QueueCounts[];
  readonly redis: RedisHealth;
  /** How many runs are `orphaned`. */
  readonly orphaned: number;
  /** Milliseconds, by the clock of Redis. */
  readonly now: number;
}

const works = ({ alive, phase }: LivingWorker) => alive && phase !== 'left';

/** All that needs attention, the worst first; empty when the pool is well. */
export function needsAttention(watched: Watched): Notice[] {
  const { workers, redis, now } = watched;
  const silent = silentNotices(workers, now);
  const unowned = [...problemNotices(workers, now), ...(silent.length > 0 ? silent : orphanNotices(watched))];
  if (workers.some(works)) return [...redisNotices(redis), ...unowned, ...queueNotices(watched)];
  const fix = 'Start one on any host: `agentpool worker`';
  return [...redisNotices(redis), { what: 'No worker is alive, so nothing is started.', fix }, ...unowned];
}

function redisNotices(redis: RedisHealth): Notice[] {
  const problems = redisProblems(redis).map((what) => ({ what, fix: '' }));
  if (redis.appendOnly) return problems;
  const fix = 'Switch its append-only file on: `redis-cli config set appendonly yes`';
  return [...problems, { what: 'Redis keeps nothing on disk: when it restarts, all runs are lost.', fix }];
}

function problemNotices(workers: readonly LivingWorker[], now: number): Notice[] {
  return workers.flatMap((worker) => {
    const { host, problem, cordonedSince } = worker;
    if (cordonedSince !== undefined && works(worker)) {
      const what = `The worker of ${host} has been cordoned for ${duration(now - cordonedSince)}: it takes no new runs.`;
      return [{ what, fix: `\`agentpool uncordon ${host}\` lets it take runs again` }];
    }
    if (!problem || !works(worker)) return [];
    const what = `The worker of ${host} has taken no runs for ${duration(now - problem.since)}: ${problem.message}.`;
    return [{ what, fix: `It tries again by itself. ${HOST_FIXES[problem.kind]}` }];
  });
}

function silentNotices(workers: readonly LivingWorker[], now: number): Notice[] {
  return workers.flatMap(({ id, host, alive, phase, running, lastHeartbeatAt }) => {
    const cared = workers.some((other) => other.id !== id && other.host === host && works(other));
    if ((alive && phase !== 'left') || cared) return [];
    const runs = counted(running, 'run');
    const what =
      phase === 'left'
        ? `The worker of ${host} has stopped and left ${runs} behind; nobody looks after them.`
        : `The worker of ${host} has been silent for ${duration(now - lastHeartbeatAt)}; it had ${runs}.`;
    return [{ what, fix: `Programs go on without it. Start a worker on ${host} again: \`agentpool worker\`` }];
  });
}

function queueNotices({ workers, queues }: Watched): Notice[] {
  const well = workers.map(({ problem: _, cordonedSince: __, ...worker }) => worker); // what is wrong with one has its own notice
  return queues.flatMap(({ queue, waiting, delayed }) => {
    const held = waiting + delayed;
    if (held === 0 || servedBy(well, queue).length > 0) return [];
    const what = `${counted(held, 'run')} ${held === 1 ? 'waits' : 'wait'} in ${queue}, which no live worker serves.`;
    const { host, runner, requires } = partsOf(queue);
    const labels = requires.length === 0 ? '' : ` and the labels ${requires.join(', ')}`;
    const fix =
      host === undefined
        ? `Start a worker that has ${runner}${labels}; on its host, \`agentpool doctor\` says what is missing`
        : `Start a worker on that host${labels && ` with the labels ${requires.join(', ')}`}: \`agentpool worker --host ${host}\``;
    return [{ what, fix }];
  });
}

function orphanNotices({ orphaned }: Watched): Notice[] {
  if (orphaned === 0) return [];
  const what = `${counted(orphaned, 'run')} ${orphaned === 1 ? 'is' : 'are'} orphaned: the worker is silent, the program may go on.`;
  return [{ what, fix: 'A worker on the same host takes them over: `agentpool worker`' }];
}
