import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { uptime } from 'node:os';
import { RUN_MARK } from '../../shared/config/load.js';
import { hasLimitMark, limitMark, limitMarkIn } from './limit-mark.js';

/** A process, safe against a reused pid: the same pid with another start is another process. */
export interface ProcessId {
  readonly pid: number;
  /** Opaque; on Linux the start time in clock ticks since boot, elsewhere what `ps` says. */
  readonly start: string;
}

/** What the system says of a process. */
export interface Seen extends ProcessId {
  readonly parent: number;
  readonly group: number;
  /** 0 where the system does not say. */
  readonly session: number;
  readonly dead: boolean;
}

const linux = process.platform === 'linux';

/** Parses /proc/<pid>/stat; the name in parentheses may hold anything, so fields are counted after the last one. */
export function parseStat(stat: string): Seen | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 20);
  const [state, parent, group, session] = fields;
  const start = fields[19];
  if (!state || !start) return undefined;
  return {
    pid: Number.parseInt(stat, 10),
    start,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    dead: state === 'Z' || state === 'X',
  };
}

/** What the system says of a process, also of a dead one; undefined when it is gone. Throws where we cannot look. */
export function see(pid: number): Seen | undefined {
  try {
    if (linux) return parseStat(readProc(`/proc/${pid}/stat`));
    const line = execFileSync('ps', ['-o', 'ppid=,pgid=,stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return parsePs(`${pid} ${line.trim()}`);
  } catch (error) {
    if (isLack(error)) throw error;
    return undefined; // it is gone, or is hidden from us
  }
}

/** We cannot look: without a descriptor, memory or another process nothing is known of anybody. */
const isLack = (error: unknown): boolean => error instanceof Error && 'code' in error && LACKS.has(String(error.code));
const LACKS = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

function parsePs(line: string): Seen | undefined {
  const [, pid, parent, group, state, start] =
    /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+ +\S+ +\d+ +[\d:]+ +\d+)/.exec(line) ?? [];
  if (!pid || !state || !start) return undefined;
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: 0,
    start,
    dead: state.startsWith('Z'),
  };
}

/** Every living process of the host that we may see. Throws what the system says. */
export function allProcesses(): Seen[] {
  const all = linux
    ? readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (see(Number(name)) ?? []) : []))
    : execFileSync('ps', ['-ax', '-o', 'pid=,ppid=,pgid=,stat=,lstart='], {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      })
        .split('\n')
        .flatMap((line) => parsePs(line) ?? []);
  return all.filter(({ dead }) => !dead);
}

/** Whether a process was started before another one; false where that cannot be told. */
export function isOlder(one: ProcessId, other: ProcessId): boolean {
  const time = ({ start }: ProcessId) => (linux ? Number(start) : Date.parse(start));
  return time(one) < time(other);
}

/**
 * The living processes that descend from one, as far as their parents live, each after its parent: what one has started is
 * known before it is answered, so it may be ended then. Without those of other threads than the first, and only on Linux.
 */
export function* descendantsOf(root: ProcessId): Generator<ProcessId> {
  const waiting = childrenOf(root);
  for (let one = waiting.shift(); one; one = waiting.shift()) {
    waiting.push(...childrenOf(one));
    yield one;
  }
}

function childrenOf(parent: ProcessId): ProcessId[] {
  const pids = linux ? textOf(`/proc/${parent.pid}/task/${parent.pid}/children`).split(' ').filter(Boolean) : [];
  const children = pids.flatMap((pid) => see(Number(pid)) ?? []);
  const living = children.filter((child) => child.parent === parent.pid && !child.dead);
  // Looked at last: until then its pid was its own.
  return living.length > 0 && isAlive(parent) ? living.map(({ pid, start }) => ({ pid, start })) : [];
}

/** Who a living process is; undefined when it does not live, or only as a zombie. Throws where we cannot look. */
export function identify(pid: number): ProcessId | undefined {
  const seen = see(pid);
  return seen && !seen.dead ? { pid: seen.pid, start: seen.start } : undefined;
}

/**
 * Whether exactly this process lives. `kill(pid, 0)` would say yes for zombies and for a stranger with its pid. Throws where
 * we cannot look: that says nothing of it.
 */
export function isAlive({ pid, start }: ProcessId): boolean {
  return identify(pid)?.start === start;
}

/** Sends a signal to exactly this process; false when it is gone. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    return process.kill(id.pid, signal);
  } catch {
    return false;
  }
}

/**
 * Every living process of a run: those that carry one of its marks, in their environment or as a limit, whatever session or
 * parent they have, and those of the group `group`. Never ourselves.
 */
export function processesOf(runId: string, group?: number): ProcessId[] {
  const mark = `${RUN_MARK}=${runId}`;
  const ours = linux ? fromProc(mark, limitMark(runId), group) : fromPs(mark, group);
  return ours.filter(({ pid }) => pid !== process.pid).map(({ pid, start }) => ({ pid, start }));
}

/**
 * The same, out of what one look at all processes has found. `first`: where nothing of the run can be older, its first
 * process; whoever is, is no further looked at.
 */
export function processesAmong(
  all: readonly Seen[],
  runId: string,
  group: number | undefined,
  first: ProcessId | undefined,
): ProcessId[] {
  if (!linux) return processesOf(runId, group);
  const mark = `${RUN_MARK}=${runId}`;
  const limit = limitMark(runId);
  return all
    .filter((one) => one.pid !== process.pid && !(first && isOlder(one, first)))
    .filter((one) => one.group === group || isMarked(String(one.pid), mark, limit))
    .map(({ pid, start }) => ({ pid, start }));
}

function fromProc(mark: string, limit: bigint, group: number | undefined): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const marked = isMarked(name, mark, limit);
      if (!marked && group === undefined) return [];
      const seen = see(Number(name));
      return seen && !seen.dead && (marked || seen.group === group) ? [seen] : [];
    });
}

/** Whether exactly this process lives and carries a mark of a run. Throws where we cannot look. */
export function isOfRun(runId: string, id: ProcessId): boolean {
  if (!linux) return processesOf(runId).some(({ pid, start }) => pid === id.pid && start === id.start);
  return isMarked(String(id.pid), `${RUN_MARK}=${runId}`, limitMark(runId)) && isAlive(id);
}

const isMarked = (pid: string, mark: string, limit: bigint): boolean =>
  environOf(pid).includes(`\0${mark}\0`) || hasLimitMark(limitsOf(pid), limit);

/** The environment a process was started with, between NULs; empty where we may not look. Throws where we cannot. */
const environOf = (pid: string): string => `\0${textOf(`/proc/${pid}/environ`)}\0`;

/** What the kernel allows a process; empty where we may not look. Throws where we cannot. */
const limitsOf = (pid: string): string => textOf(`/proc/${pid}/limits`);

/** Files of /proc say nothing of their size, and hundreds of them are read at once: one room for all of them. */
const room = Buffer.allocUnsafe(64 * 1024);

/** The text of a file of /proc. Throws what the system says. */
export function readProc(file: string): string {
  const handle = openSync(file, 'r');
  try {
    let text = '';
    for (let count = room.length; count === room.length; ) {
      count = readSync(handle, room, 0, room.length, null); // less than there is room for is the end
      text += room.toString('latin1', 0, count);
    }
    return text;
  } finally {
    closeSync(handle);
  }
}

/** The same; empty where it is gone or hidden. Throws where we cannot look. */
export function textOf(file: string): string {
  try {
    return readProc(file);
  } catch (error) {
    if (isLack(error)) throw error;
    return '';
  }
}

function fromPs(mark: string, group: number | undefined): Seen[] {
  const lines = execFileSync('ps', ['-axwwE', '-o', 'pid=,ppid=,pgid=,stat=,lstart=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return lines.split('\n').flatMap((line) => {
    const seen = parsePs(line);
    return seen && !seen.dead && (line.split(/\s/).includes(mark) || seen.group === group) ? [seen] : [];
  });
}

const EXACT_MARK = new RegExp(`\\0${RUN_MARK}=([^\\0]*)`, 'g');
const ENVIRON_MARK = new RegExp(`[\\0 ]${RUN_MARK}=(\\w+)`);

/** The ids of all runs, of whatever pool, whose mark is on a living process. */
export function markedRuns(): string[] {
  const texts = linux
    ? readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? environOf(name) : []))
    : execFileSync('ps', ['-axwwE', '-o', 'command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).split('\n');
  return [...new Set(texts.flatMap((text) => ENVIRON_MARK.exec(text)?.[1] ?? []))];
}

/** Which of these runs have a living process that carries one of their marks; one look at all processes. */
export function markedAmong(runIds: readonly string[]): Set<string> {
  if (!linux) {
    const marked = new Set(markedRuns());
    return new Set(runIds.filter((runId) => marked.has(runId)));
  }
  const limits = new Map(runIds.map((runId) => [limitMark(runId), runId]));
  const wanted = new Set(runIds);
  const found = new Set<string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const byName = [...environOf(name).matchAll(EXACT_MARK)].map(([, runId]) => runId);
    const byLimit = limits.get(limitMarkIn(limitsOf(name)) ?? 0n);
    for (const runId of [...byName, byLimit]) if (runId !== undefined && wanted.has(runId)) found.add(runId);
  }
  return found;
}

/** Differs after every boot of the machine: no process of another boot lives. */
export function bootId(): string {
  knownBootId ??= readBootId(); // we do not outlive it
  return knownBootId;
}

let knownBootId: string | undefined;

function readBootId(): string {
  if (linux) return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim();
}

/** Milliseconds since boot: a clock that cannot be set, so that limits survive both a new worker and a jumping clock. */
export function uptimeMs(): number {
  return Math.round(uptime() * 1000);
}
