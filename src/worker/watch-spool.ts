import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, type ProcessId } from './processes.js';
import { readNumberLine, type Spool } from './spool.js';

/** A file system that does not tell (a network volume) costs this delay (ms). */
const LOOK_ANYWAY_MS = 1_000;
/** Between the end of the wrapper and the sight of its exit file (ms). */
const SETTLE_MS = 20;

/** How a program ended: its exit status, or undefined when nobody wrote it down. */
export interface Exit {
  readonly code: number | undefined;
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
  const end = (code: number | undefined) => {
    if (over) return;
    over = true;
    stop();
    onExit({ code });
  };
  const lookForExit = () => {
    const code = over ? undefined : readNumberLine(spool.exit);
    if (code !== undefined) end(code);
  };
  const look = () => {
    onOutput();
    lookForExit();
    if (!over && !wrapperGone && !(wrapper && isAlive(wrapper))) void lost();
  };
  /** The wrapper is gone: its last word may still be on its way to us. */
  const lost = async (code?: number) => {
    await pause(code === undefined ? SETTLE_MS : 0);
    end(readNumberLine(spool.exit) ?? code);
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

/** Calls back only when one of the files has grown. */
export function whenGrown(files: readonly string[], onGrown: () => void): () => void {
  let known = 0;
  return () => {
    const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
    if (size === known) return;
    known = size;
    onGrown();
  };
}
