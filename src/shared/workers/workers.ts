import { z } from 'zod';
import { sharedByTurn } from '../by-turn.js';
import { omitUndefined } from '../omit-undefined.js';
import type { RunnerLimit } from '../queues/permits.js';
import type { RedisClient } from '../redis/connect.js';
import { serverNow } from '../redis/now.js';
import type { Settling } from '../redis/settled.js';
import { readStored } from '../stored-form.js';
import { openBeating, type RegisterKeys, SILENT_BEATS } from './beating.js';
import { openSweeper } from './sweeper.js';

/** What a worker can run. */
export interface OfferedRunner {
  readonly name: string;
  /** The program it found. */
  readonly program: string;
  /** As the program itself says it; absent until it has, or when it has no such option. */
  readonly version?: string;
}

/** Identifies the machine of a worker to others, by hashes. */
export interface Machine {
  readonly id: string;
  /** Another one after each start of the machine, and in each container. */
  readonly boot: string;
  /** The system has no id, so this one was made up. */
  readonly madeUp?: boolean;
}

/** What can be wrong with a host, so that runs cannot be started on it. */
export const HOST_FAULT_KINDS = ['spool', 'file_descriptors', 'processes', 'memory', 'disk'] as const;
export type HostFaultKind = (typeof HOST_FAULT_KINDS)[number];

/** What a person does about each kind of fault; the worker takes runs again by itself. */
export const HOST_FIXES: Readonly<Record<HostFaultKind, string>> = {
  spool: "make the worker's AGENTPOOL_HOME writable for its user again",
  file_descriptors: 'raise the limit of open files (ulimit -n), or lower AGENTPOOL_CONCURRENCY',
  processes: 'raise the limit of processes (ulimit -u, pids.max), or lower AGENTPOOL_CONCURRENCY',
  memory: 'free memory on the host, or lower AGENTPOOL_CONCURRENCY',
  disk: "make room on the disk of the worker's AGENTPOOL_HOME",
};

/** What the runs of a worker have put into their spools so far, and how much there may be (bytes). */
export interface SpoolRoom {
  readonly usedBytes: number;
  /** Of all running programs together; see AGENTPOOL_SPOOL_QUOTA_BYTES. */
  readonly quotaBytes: number;
  /** Of the disk that the spools are on. */
  readonly freeBytes: number;
}

/** Why a worker takes no runs for now. */
export interface HostProblem {
  readonly kind: HostFaultKind;
  readonly message: string;
  /** Redis server milliseconds. */
  readonly since: number;
}

/** What a worker reports about itself with every heartbeat. */
export interface WorkerReport {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** With the pid, who it is: opaque. */
  readonly processStart: string;
  /** Absent in the reports of older workers. */
  readonly machine?: Machine;
  readonly version: string;
  readonly startedAt: number;
  readonly runners: readonly OfferedRunner[];
  /** Runs at once, all runners together. */
  readonly capacity: number;
  readonly running: number;
  readonly allowedPaths: readonly string[];
  /** Those of them that its settings say, and not `agentpool allow`; absent in the reports of older workers. */
  readonly settingPaths?: readonly string[];
  /** What runs may require of it; absent in the reports of older workers, which take none that require something. */
  readonly labels?: readonly string[];
  /** To what it keeps for the whole pool, by runner; absent in the reports of older workers. */
  readonly limits?: Readonly<Record<string, RunnerLimit>>;
  /** See `placeOf`; absent in the reports of older workers. */
  readonly place?: string;
  /** `stopping` claims nothing more; `left` has handed its programs to the next worker of its host. */
  readonly phase: 'ready' | 'stopping' | 'left';
  /** How often it was asked to look again at what its host has; absent in the reports of older workers. */
  readonly reloads?: number;
  /** While there is one, it takes no runs; what it has goes on. */
  readonly problem?: HostProblem;
  /** At the last look at its disk; absent before it, and in the reports of older workers. */
  readonly spool?: SpoolRoom;
  /** It knows that it, or its host, is cordoned, and takes no new runs. */
  readonly heedsCordon?: boolean;
}

/** A report with its age. */
export interface LivingWorker extends WorkerReport {
  readonly lastHeartbeatAt: number;
  readonly alive: boolean;
  /** Since when an operator wants it, or its host, to take no new runs (Redis server milliseconds). */
  readonly cordonedSince?: number;
}

const report = z.looseObject({
  id: z.string(),
  host: z.string(),
  pid: z.number().int(),
  processStart: z.string(),
  machine: z.looseObject({ id: z.string(), boot: z.string(), madeUp: z.boolean().optional() }).optional(),
  version: z.string(),
  startedAt: z.number(),
  runners: z.array(z.looseObject({ name: z.string(), program: z.string(), version: z.string().optional() })),
  capacity: z.number().int(),
  running: z.number().int(),
  allowedPaths: z.array(z.string()),
  settingPaths: z.array(z.string()).optional(),
  labels: z.array(z.string()).optional(),
  limits: z
    .record(z.string(), z.looseObject({ atOnce: z.number().optional(), startsPerMinute: z.number().optional() }))
    .optional(),
  place: z.string().optional(),
  phase: z.enum(['ready', 'stopping', 'left']),
  reloads: z.number().int().optional(),
  problem: z.looseObject({ kind: z.enum(HOST_FAULT_KINDS), message: z.string(), since: z.number() }).optional(),
  heedsCordon: z.boolean().optional(),
  spool: z.looseObject({ usedBytes: z.number(), quotaBytes: z.number(), freeBytes: z.number() }).optional(),
});

/** No host has this name. */
const UNKNOWN_HOST = '?';

/**
 * The report of a worker. One that we cannot read is of a newer release: that worker lives and keeps its runs, and
 * nothing more is believed of it.
 */
function reportFrom(id: string, text: string): WorkerReport {
  const stored = readStored(report as unknown as z.ZodType<WorkerReport>, text);
  if ('value' in stored) return stored.value;
  const version =
    'newer' in stored ? `a newer one, whose reports have form ${stored.newer}` : `unknown: ${stored.broken}`;
  const nothing = { runners: [], capacity: 0, running: 0, allowedPaths: [], startedAt: 0, phase: 'ready' } as const;
  return { id, host: UNKNOWN_HOST, pid: 0, processStart: '', version, ...nothing };
}

/** When each worker was heard last, by id (Redis server milliseconds). */
export type Beats = ReadonlyMap<string, number>;

/** The register of workers: who lives, on which host, with which runners. Times are those of the Redis server. */
export function openWorkers(
  redis: RedisClient,
  prefix: string,
  heartbeatMs: number,
  settling: Pick<Settling, 'keep' | 'look' | 'interruptions'>,
) {
  const reports = `{${prefix}:workers}:reports`;
  const beats = `{${prefix}:workers}:beats`;
  const cordons = `{${prefix}:workers}:cordons`;
  const list = openList(redis, { reports, beats, cordons }, heartbeatMs);
  const { beat, now } = openBeating(redis, { reports, beats, cordons }, heartbeatMs, settling);

  return {
    /** All workers that have not left, with `alive` false after three missed heartbeats. */
    list,
    async living(): Promise<LivingWorker[]> {
      return (await list()).filter((worker) => worker.alive);
    },
    /** See `Beating`. */
    beat: (report: WorkerReport): Promise<boolean> => beat(report),
    now,
    /** When each worker was heard: the part of the register that changes all the time. */
    async beats(): Promise<Beats> {
      const flat = await redis.zrange(beats, '0', '-1', 'WITHSCORES');
      return new Map(flat.flatMap((id, at) => (at % 2 === 0 ? [[id, Number(flat[at + 1])] as const] : [])));
    },
    /** The names of workers and hosts that take no new runs, with since when (Redis server milliseconds). */
    async cordoned(): Promise<Readonly<Record<string, number>>> {
      const all = Object.entries(await redis.hgetall(cordons));
      return Object.fromEntries(all.map(([name, since]) => [name, Number(since)]));
    },
    /** From the next heartbeat on, a worker or the workers of a host take no new runs; also those that are started later. */
    async cordon(name: string): Promise<void> {
      await settling.keep(async () => redis.hsetnx(cordons, name, String(await serverNow(redis))));
    },
    async uncordon(name: string): Promise<void> {
      await settling.keep(() => redis.hdel(cordons, name));
    },
    ...openSweeper(redis, `{${prefix}:workers}:sweeper`, beats),
    async leave(id: string): Promise<void> {
      await redis.zrem(beats, id);
      await redis.hdel(cordons, id);
      await redis.hdel(reports, id);
    },
  };
}
export type Workers = ReturnType<typeof openWorkers>;

/** See `Workers.list`. What is asked for in one turn of the event loop is read once. */
function openList(
  redis: RedisClient,
  { reports, beats, cordons }: RegisterKeys,
  heartbeatMs: number,
): () => Promise<LivingWorker[]> {
  /** The last reports: the register is read much more often than they change, and each is checked. */
  let known = new Map<string, { readonly text: string; readonly report: WorkerReport }>();

  return sharedByTurn(async () => {
    const [texts, cordoned, flat, now] = await Promise.all([
      redis.hgetall(reports),
      redis.hgetall(cordons),
      redis.zrange(beats, '0', '-1', 'WITHSCORES'),
      serverNow(redis),
    ]);
    const found: LivingWorker[] = [];
    const before = known;
    known = new Map();
    for (let at = 0; at < flat.length; at += 2) {
      const id = flat[at] ?? '';
      const text = texts[id];
      const lastHeartbeatAt = Number(flat[at + 1]);
      if (!text) continue;
      // One that lies ahead is of before the clock of Redis went back: who lives is heard with the next heartbeat.
      const alive = Math.abs(now - lastHeartbeatAt) < SILENT_BEATS * heartbeatMs;
      const same = before.get(id);
      const told = same?.text === text ? same.report : reportFrom(id, text);
      known.set(id, { text, report: told });
      const since = cordoned[told.id] ?? cordoned[told.host];
      const cordonedSince = since === undefined ? undefined : Number(since);
      found.push({ ...told, lastHeartbeatAt, alive, ...omitUndefined({ cordonedSince }) });
    }
    return found.sort((a, b) => a.host.localeCompare(b.host) || a.startedAt - b.startedAt);
  });
}
