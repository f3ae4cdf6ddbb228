import type { MiddlewareHandler } from 'hono';
import type { Registry } from 'prom-client';
import { type Instruments, openInstruments } from '../shared/instruments.js';
import type { Pool } from '../shared/pool.js';
import type { QueueCounts } from '../shared/queues/queues.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { RUN_STATES } from '../shared/run-state.js';
import type { LivingWorker } from '../shared/workers/workers.js';

export interface Metrics {
  /** Counts what the server answers. */
  readonly counted: MiddlewareHandler;
  /** All figures in the text format of Prometheus. The first call loads the library and begins those of the process. */
  answer(): Promise<Response>;
}

/** What a server reports about its MCP calls. */
interface Calls {
  openCalls(): number;
  refusedCalls(): ReadonlyMap<string, number>;
}

/** How many queued runs wait for what, and how much of the limits of the whole pool is in use; `most` 0: no limit. */
export type AskWaiting = (
  pool: Pool,
  workers: readonly LivingWorker[],
  queues: readonly QueueCounts[],
) => Promise<{ readonly waiting: Readonly<Record<string, number>>; readonly limits: readonly LimitInUse[] }>;

interface LimitInUse {
  readonly runner: string;
  readonly atOnce: { readonly used: number; readonly most: number };
  readonly startsLastMinute: { readonly used: number; readonly most: number };
}

/**
 * The figures of a server, and of the pool as it sees it, for Prometheus. Labels are states, queues, runners, hosts and
 * status codes: never runs, agents or principals, so their number does not grow with use.
 */
export function openMetrics(pool: Pool, calls: Calls, askWaiting: AskWaiting): Metrics {
  const answered = new Map<number, number>();
  let gathering: Promise<{ registry: Registry; gather: () => Promise<void> }> | undefined;
  return {
    async counted(context, next) {
      await next();
      const { status } = context.res;
      answered.set(status, (answered.get(status) ?? 0) + 1);
    },
    async answer() {
      gathering ??= openInstruments().then((instruments) =>
        startGathering(instruments, pool, { calls, askWaiting, answered }),
      );
      const { registry, gather } = await gathering;
      await gather();
      return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } });
    },
  };
}

function startGathering(
  { registry, gauge, counter }: Instruments,
  pool: Pool,
  asked: { calls: Calls; askWaiting: AskWaiting; answered: ReadonlyMap<number, number> },
) {
  const redisUp = gauge('agentpool_redis_up', 'Whether Redis answers this server (1) or not (0).');
  const roundTrip = gauge('agentpool_redis_round_trip_seconds', 'How long Redis took for its answer just now.');
  const memory = gauge('agentpool_redis_used_memory_bytes', 'What Redis has in memory.');
  const maxMemory = gauge('agentpool_redis_max_memory_bytes', 'What Redis may have in memory; 0: all there is.');
  const calls = gauge('agentpool_open_calls', 'MCP calls that this server is answering.');
  const runs = gauge('agentpool_runs', 'Runs whose records are kept, by state.', ['state']);
  const oldest = gauge('agentpool_oldest_queued_seconds', 'For how long the oldest queued run has been queued.');
  const jobs = gauge('agentpool_queue_jobs', 'Jobs in a queue, by state.', ['queue', 'state']);
  const ofWorkers = workerGauges(gauge);
  const ofWaiting = waitingGauges(gauge);
  const requests = counter('agentpool_http_requests_total', 'Requests that this server has answered, by status code.', [
    'status',
  ]);
  const refused = counter(
    'agentpool_calls_refused_total',
    'Calls of tools that were answered with an error, by its code.',
    ['code'],
  );

  async function gatherFromRedis(): Promise<void> {
    const begun = performance.now();
    const health = await pool.health();
    roundTrip.set((performance.now() - begun) / 1000);
    memory.set(health.usedMemoryBytes);
    maxMemory.set(health.maxMemoryBytes ?? 0);
    const [workers, queues, now] = await Promise.all([pool.workers.list(), pool.queues.counts(), pool.runs.now()]);
    ofWorkers(workers, now);
    ofWaiting(await asked.askWaiting(pool, workers, queues));
    jobs.reset();
    for (const { queue, ...counts } of queues)
      for (const [state, count] of Object.entries(counts)) jobs.set({ queue, state }, count);
    await Promise.all(RUN_STATES.map(async (state) => runs.set({ state }, await pool.runs.indexes.count(state))));
    const first = await firstOf(pool.runs.indexes.oldestFirst('queued'));
    const run = first === undefined ? undefined : await pool.runs.get(first);
    oldest.set(run === undefined ? 0 : Math.max(0, now - run.queuedAt) / 1000);
  }

  async function gather(): Promise<void> {
    calls.set(asked.calls.openCalls());
    requests.reset();
    for (const [status, count] of asked.answered) requests.inc({ status: String(status) }, count);
    refused.reset();
    for (const [code, count] of asked.calls.refusedCalls()) refused.inc({ code }, count);
    try {
      await gatherFromRedis();
      redisUp.set(1);
    } catch (error) {
      if (!asUnreachable(error)) throw error;
      redisUp.set(0); // the others keep what they were
    }
  }
  return { registry, gather };
}

/** The gauges that are set from the register of workers. */
function workerGauges(gauge: Instruments['gauge']): (workers: readonly LivingWorker[], now: number) => void {
  const workers = gauge('agentpool_workers', 'Workers, by what they do.', ['state']);
  const slots = gauge('agentpool_slots', 'Runs that the living workers of a host can have at once.', ['host']);
  const used = gauge('agentpool_slots_used', 'Runs that the living workers of a host have.', ['host']);
  const offered = gauge('agentpool_runner_workers', 'Living workers that offer a runner.', ['runner']);
  const heartbeat = gauge(
    'agentpool_oldest_heartbeat_seconds',
    'Since the oldest heartbeat of a worker that has not left.',
  );
  return (all, now) => {
    for (const one of [slots, used, offered]) one.reset();
    const states = { ready: 0, sick: 0, cordoned: 0, stopping: 0, left: 0, silent: 0 };
    for (const worker of all) {
      states[stateOf(worker)] += 1;
      if (!worker.alive) continue;
      slots.inc({ host: worker.host }, worker.capacity);
      used.inc({ host: worker.host }, worker.running);
      for (const { name } of worker.runners) offered.inc({ runner: name });
    }
    for (const [state, count] of Object.entries(states)) workers.set({ state }, count);
    const beats = all.filter(({ phase }) => phase !== 'left').map(({ lastHeartbeatAt }) => now - lastHeartbeatAt);
    heartbeat.set(Math.max(0, ...beats) / 1000);
  };
}

/** The gauges that are set from the queues and the limits of the pool. */
function waitingGauges(gauge: Instruments['gauge']): (found: Awaited<ReturnType<AskWaiting>>) => void {
  const waiting = gauge('agentpool_runs_waiting', 'Queued runs, by what they wait for.', ['reason']);
  const used = gauge('agentpool_limit_used', 'How much of a limit of the whole pool a runner has in use.', LIMITED);
  const most = gauge('agentpool_limit', 'What a limit of the whole pool allows a runner.', LIMITED);
  return (found) => {
    for (const [reason, count] of Object.entries(found.waiting)) waiting.set({ reason }, count);
    for (const one of [used, most]) one.reset();
    for (const { runner, atOnce, startsLastMinute } of found.limits)
      for (const [limit, now] of [['at_once', atOnce] as const, ['starts_per_minute', startsLastMinute] as const]) {
        if (now.most === 0) continue;
        used.set({ runner, limit }, now.used);
        most.set({ runner, limit }, now.most);
      }
  };
}
const LIMITED = ['runner', 'limit'] as const;

function stateOf({
  alive,
  phase,
  problem,
  cordonedSince,
}: LivingWorker): 'ready' | 'sick' | 'cordoned' | 'stopping' | 'left' | 'silent' {
  if (phase === 'left') return 'left';
  if (!alive) return 'silent';
  if (phase === 'ready' && cordonedSince !== undefined) return 'cordoned';
  return phase === 'ready' && problem ? 'sick' : phase;
}

async function firstOf<Value>(values: AsyncIterable<Value>): Promise<Value | undefined> {
  for await (const value of values) return value;
  return undefined;
}
