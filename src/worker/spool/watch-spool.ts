import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessId, processesOf } from '../process/processes.js';
import { REFUSED } from './launch.js';
import { readNumberLine, type Spool, spoolBytes } from './spool.js';

/** A file system that does not tell (a network volume) costs this delay (ms). */
const LOOK_ANYWAY_MS = 1_000;
/** Between the end of the wrapper and the sight of its exit file (ms). */
const SETTLE_MS = 20;

/** How a program ended: its exit status, or undefined when nobody wrote it down. */
export interface Exit {
  readonly code: number | undefined;
  /** It was never ours: another wrapper had begun already, and looks after the program. */
  readonly refused?: boolean;
}

export interface WatchDeps {
  readonly spool: Spool;
  readonly wrapper: ProcessId | undefined;
  /** Only the worker that started the wrapper is told of its end by the kernel. */
  readonly wrapperGone?: Promise<number | undefined> | undefined;
  readonly onOutput: () => void;
  readonly onExit: (exit: Exit) => void;
}

/** Tells of new output and of the end of a program, by its files; calls `onExit` once. */
export function watchSpool({ spool, wrapper, wrapperGone, onOutput, onExit }: WatchDeps) {
  let over = false;
  let wrapperEnded = false;
  const end = (exit: Exit) => {
    if (over) return;
    over = true;
    stop();
    onExit(exit);
  };
  const lookForExit = () => {
    const code = over ? undefined : readNumberLine(spool.exit);
    if (code !== undefined) end({ code });
  };
  const isGone = () => wrapperEnded || (!wrapperGone && !(wrapper && isAlive(wrapper)));
  const look = () => {
    onOutput();
    lookForExit();
    if (!over && isGone()) void lost();
  };
  /** The wrapper is gone: its last word may still be on its way to us. */
  const lost = async (code?: number) => {
    wrapperEnded = true;
    await pause(code === undefined ? SETTLE_MS : 0);
    const written = readNumberLine(spool.exit);
    if (written === undefined && code === REFUSED) end({ code, refused: true });
    else if (written !== undefined || code !== undefined || !programLives(spool)) end({ code: written ?? code });
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(spool.directory, (_, name) => {
      if (name === basename(spool.exit)) lookForExit();
      else onOutput();
    });
    watcher.on('error', () => {});
  } catch {} // no watches left: the timer does it
  const timer = setInterval(look, LOOK_ANYWAY_MS);
  function stop() {
    watcher?.close();
    clearInterval(timer);
  }
  wrapperGone?.then(lost, () => lost());
  queueMicrotask(look);
  return {
    stop(): void {
      over = true;
      stop();
    },
  };
}

/** Somebody has killed the wrapper alone: the program goes on, and nobody will know its exit status. */
function programLives(spool: Spool): boolean {
  const program = readNumberLine(spool.pid);
  return processesOf(basename(spool.directory)).some(({ pid }) => pid === program);
}

/** Calls back only when the output in a spool has grown. */
export function whenGrown(spool: Spool, onGrown: () => void): () => void {
  let known = 0;
  return () => {
    const size = spoolBytes(spool);
    if (size === known) return;
    known = size;
    onGrown();
  };
}
