import { statSync } from 'node:fs';
import { messageOf } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { SpoolRoom } from '../../shared/workers/workers.js';
import { exitStatus, presentSpool, type Spool, spoolBytes, spooledRuns, spoolOf } from '../spool/spool.js';
import { type DiskRoom, diskRoom, isDiskFull, isFull, lackOfRoom } from './disk-room.js';
import type { HostHealth } from './health.js';
import { type Growing, type RoomReason, whoMustEnd } from './who-must-end.js';

/** Looks are never closer together than this, nor further apart while something runs, or while nothing does (ms). */
const SHORTEST_MS = 50;
const LONGEST_MS = 1_000;
const IDLE_MS = 5_000;
/** Of the time, so much is spent on looks that somebody asked for. */
const MOST_SHARE = 0.1;
/** Faster than this no program is expected to print (bytes per ms). */
const FASTEST = 1024 ** 2;
/** The kernel's clock for the times of files lags behind by up to one tick (ms). */
const CLOCK_TICK_MS = 20;

export interface DiskWatchDeps {
  readonly spools: string;
  readonly quotaBytes: number;
  readonly reserveBytes: number;
  readonly health: Pick<HostHealth, 'fault'>;
  /** Whether a run has just ended here: its spool does not grow any more. */
  readonly isOver: (runId: string) => boolean;
  /** Whether a program may run here, or be about to start. */
  readonly isBusy: () => boolean;
  /** Whether we are just starting the program of a run. */
  readonly isStarting: (runId: string) => boolean;
  /** The runs that we can end. */
  readonly supervised: () => ReadonlyMap<string, { endForRoom(why: RoomReason): void; endsForRoom(): boolean }>;
  readonly logger: Logger;
}

/**
 * Watches the room for spools, whatever else the worker does: ends runs before the quota or the disk is exceeded by
 * much, and notes whose output was cut short all the same. The less room there is, the closer together are its looks.
 */
export async function startDiskWatch(deps: DiskWatchDeps): Promise<DiskWatch> {
  const watch = new DiskWatch(deps);
  await watch.begun;
  return watch;
}

export class DiskWatch {
  /** Resolves after the first look. */
  readonly begun: Promise<void>;
  readonly #deps: DiskWatchDeps;
  /** The bytes of each spool that grows, at the last look. */
  readonly #sizes = new Map<string, number>();
  /** When a spool that another worker watches, or none yet, was last seen without its end. */
  readonly #unended = new Map<string, number>();
  /** The sizes at the last look with enough room; undefined before the first look. */
  #before: ReadonlyMap<string, number> | undefined;
  readonly #cutShort = new Set<string>();
  #room: SpoolRoom | undefined;
  #hadRoomAt = 0;
  #failed = false;
  #looking: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #kicked = false;
  /** When the next look is due, and before when none is to be asked for (`performance.now()`). */
  #dueAt = 0;
  #notBefore = 0;
  #stopped = false;

  constructor(deps: DiskWatchDeps) {
    this.#deps = deps;
    this.#looking = this.#lookOn();
    this.begun = this.#looking;
  }

  /** What the spools hold and how much room they have, at the last look; undefined where it could not be told. */
  room(): SpoolRoom | undefined {
    return this.#room;
  }

  /** Whether a program found the disk full when it printed, so that output may be missing. */
  lostOutput(runId: string, spool: Spool): boolean {
    return this.#cutShort.has(runId) || (isFullNow(this.#deps.spools) && printedSince(spool, this.#hadRoomAt));
  }

  /** Something has started or ended: looks now, or soon after the last look; with hundreds of spools, which take time, later. */
  kick(): void {
    this.#kicked = true;
    if (!this.#timer || this.#stopped) return; // it is looking, and will soon again
    clearTimeout(this.#timer);
    this.#lookAt(Math.min(this.#dueAt, this.#notBefore));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #lookOn(): Promise<void> {
    this.#timer = undefined;
    this.#kicked = false;
    const begunAt = performance.now();
    const waitMs = await this.#look();
    if (this.#stopped) return;
    const now = performance.now();
    this.#notBefore = begunAt + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (now - begunAt) / MOST_SHARE));
    const dueAt = now + waitMs;
    this.#lookAt(this.#kicked ? Math.min(dueAt, this.#notBefore) : dueAt);
  }

  #lookAt(dueAt: number): void {
    this.#dueAt = dueAt;
    this.#timer = setTimeout(
      () => {
        this.#looking = this.#lookOn();
      },
      Math.max(0, dueAt - performance.now()),
    ).unref();
  }

  /** Answers when to look again (ms). */
  async #look(): Promise<number> {
    const { spools, quotaBytes, reserveBytes, health, isBusy, supervised, logger } = this.#deps;
    try {
      const askedAt = Date.now(); // a program may fill the disk while a busy machine gets on with this look
      const room = await diskRoom(spools);
      const growing = this.#growingNow();
      this.#judge(room, growing, askedAt);
      this.#failed = false;
      for (const runId of this.#cutShort) if (!supervised().has(runId)) this.#cutShort.delete(runId);
      const used = growing.reduce((sum, { bytes }) => sum + bytes, 0);
      this.#room = { usedBytes: used, quotaBytes, freeBytes: room.bytes };
      if (!isBusy()) return IDLE_MS;
      const left = Math.min(quotaBytes - used, room.bytes - reserveBytes);
      return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, left / FASTEST));
    } catch (error) {
      if (!this.#failed) logger.warn({ err: error }, 'the room for spools cannot be told');
      if (supervised().size === 0) health.fault('spool', `its spools cannot be read: ${messageOf(error)}`);
      this.#failed = true;
      this.#room = undefined;
      return LONGEST_MS;
    }
  }

  #growingNow(): Growing[] {
    const { spools, supervised, isOver, isStarting } = this.#deps;
    const sizes = this.#sizes;
    const ours = supervised();
    const grow = new Set<string>();
    for (const runId of spooledRuns(spools)) {
      // Those that we watch need not be read: their end is known here.
      if (isOver(runId) || !(ours.has(runId) || isStarting(runId) || this.#isUnended(runId))) continue;
      sizes.set(runId, bytesOf(spoolOf(spools, runId)) ?? sizes.get(runId) ?? 0);
      grow.add(runId);
    }
    for (const known of [sizes, this.#unended])
      for (const runId of known.keys()) if (!grow.has(runId)) known.delete(runId);
    this.#before ??= new Map(sizes);
    const before = this.#before;
    return [...sizes].map(([runId, bytes]) => ({
      runId,
      bytes,
      printed: bytes - (before.get(runId) ?? 0),
      ending: ours.get(runId)?.endsForRoom() ?? false,
    }));
  }

  /** Each is read once a second: hundreds of them, after a worker was killed, are read many times else while they are taken over. */
  #isUnended(runId: string): boolean {
    const now = performance.now();
    if (now - (this.#unended.get(runId) ?? Number.NEGATIVE_INFINITY) < LONGEST_MS) return true;
    if (exitStatus(presentSpool(this.#deps.spools, runId).spool) !== undefined) return false;
    this.#unended.set(runId, now);
    return true;
  }

  #judge(room: DiskRoom, growing: readonly Growing[], askedAt: number): void {
    const { spools, quotaBytes, reserveBytes, health, supervised } = this.#deps;
    const lack = lackOfRoom(room, reserveBytes);
    if (lack) health.fault('disk', lack);
    else this.#before = new Map(this.#sizes);
    for (const [runId, why] of whoMustEnd({ growing, quotaBytes, freeBytes: room.bytes, reserveBytes }))
      supervised().get(runId)?.endForRoom(why); // those of other workers of this host are theirs to end
    if (!isFull(room)) this.#hadRoomAt = askedAt;
    else
      for (const runId of supervised().keys())
        if (printedSince(presentSpool(spools, runId).spool, this.#hadRoomAt)) this.#cutShort.add(runId);
  }
}

/** Undefined where the files are not regular files any more: an agent may have its hands in its spool. */
function bytesOf(spool: Spool): number | undefined {
  try {
    return spoolBytes(spool);
  } catch {
    return undefined;
  }
}

/** A write that fails for want of room changes the time of its file all the same: the kernel sets it first. */
function printedSince({ stdout, stderr }: Spool, since: number): boolean {
  return [stdout, stderr].some((file) => {
    try {
      return statSync(file).mtimeMs >= since - CLOCK_TICK_MS;
    } catch {
      return false;
    }
  });
}

function isFullNow(directory: string): boolean {
  try {
    return isDiskFull(directory);
  } catch {
    return false;
  }
}
