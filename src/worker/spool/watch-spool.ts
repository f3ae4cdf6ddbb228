import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.js';
import { isAlive, type ProcessId, processesOf } from '../process/processes.js';
import { REFUSED } from './launch.js';
import { hasBegun, readNumberLine, type Spool, spoolBytes } from './spool.js';

/** A file system that does not tell (a network volume) costs this delay (ms). */
const LOOK_ANYWAY_MS = 1_000;
/** Between the end of the wrapper and the sight of its exit file (ms). */
const SETTLE_MS = 20;

/** How a program ended. */
export type Exit =
  /** `code`: its exit status; undefined when nobody wrote it down. */
  | { readonly kind: 'ended'; readonly code: number | undefined }
  /** Its wrapper, started by this worker, is gone without having started it: `code` is the wrapper's own. */
  | { readonly kind: 'unstarted'; readonly code: number | undefined }
  /** It was never ours: another wrapper had begun already, and looks after the program. */
  | { readonly kind: 'refused' };

export interface WatchDeps {
  readonly spool: Spool;
  readonly wrapper: ProcessId | undefined;
  /** Only the worker that started the wrapper is told of its end by the kernel. */
  readonly wrapperGone?: Promise<number | undefined> | undefined;
  /**
   * The pid that the wrapper told this worker; undefined: it will never start the program. Nothing in the spool says
   * that, since the program can remove it. Absent: another worker started the wrapper, so the program may have run.
   */
  readonly program?: Promise<number | undefined> | undefined;
  readonly onOutput: () => void;
  readonly onExit: (exit: Exit) => void;
  readonly logger: Logger;
}

/** Tells of new output and of the end of a program, by its files; calls `onExit` once. */
export function watchSpool(deps: WatchDeps) {
  const { spool, wrapper, wrapperGone, onOutput, onExit, logger } = deps;
  let over = false;
  /** Its exit code where the kernel told it, else undefined. */
  let wrapperEnded: { readonly code: number | undefined } | undefined;
  const end = (exit: Exit) => {
    if (over) return;
    over = true;
    stop();
    onExit(exit);
  };
  /** While its wrapper lives nothing has ended, whoever wrote that there; and our own wrapper tells us by itself. */
  const lookForExit = () => {
    if (over || wrapperGone) return;
    const code = readNumberLine(spool.exit);
    if (code === undefined) return;
    if (wrapper && isAlive(wrapper)) setTimeout(() => carefully(lookForExit), SETTLE_MS);
    else end({ kind: 'ended', code });
  };
  const isGone = () => wrapperEnded !== undefined || (!wrapperGone && !(wrapper && isAlive(wrapper)));
  /** What cannot be looked at now, such as without a free descriptor, is looked at with the next turn of the timer. */
  const carefully = (look: () => void) => {
    try {
      if (!over) look();
    } catch (error) {
      logger.warn({ err: error }, 'the spool cannot be looked at; trying again');
    }
  };
  const look = () =>
    carefully(() => {
      onOutput();
      lookForExit();
      if (!over && isGone()) void lost(wrapperEnded?.code);
    });
  /** The wrapper is gone: its last word may still be on its way to us. */
  const lost = async (code: number | undefined) => {
    wrapperEnded = { code };
    const started = deps.program ? (await deps.program) !== undefined : true;
    await pause(code === undefined ? SETTLE_MS : 0);
    carefully(() => {
      const status = code ?? readNumberLine(spool.exit);
      const others = hasBegun(spool) && readNumberLine(spool.once) !== wrapper?.pid;
      if (!started && status === REFUSED && others) return end({ kind: 'refused' });
      if (status === undefined && programLives(spool)) return;
      end({ kind: started ? 'ended' : 'unstarted', code: status });
    });
  };
  let isSoon = false;
  /** A program that floods is told of a hundred thousand times a second. */
  const soon = () => {
    if (isSoon) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      carefully(onOutput);
    });
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(spool.directory, (_, name) => (name === basename(spool.exit) ? carefully(lookForExit) : soon()));
    watcher.on('error', () => {});
  } catch {} // no watches left: the timer does it
  const timer = setInterval(look, LOOK_ANYWAY_MS);
  function stop() {
    watcher?.close();
    clearInterval(timer);
  }
  wrapperGone?.then(lost, () => lost(undefined));
  queueMicrotask(look);
  return {
    stop(): void {
      over = true;
      stop();
    },
  };
}

/**
 * Somebody has killed the wrapper alone: the program goes on, and nobody will know its exit status. Also the shell that
 * is about to become the program.
 */
function programLives(spool: Spool): boolean {
  const marked = processesOf(basename(spool.directory));
  const program = readNumberLine(spool.pid);
  return program === undefined ? marked.length > 0 : marked.some(({ pid }) => pid === program);
}

/** Calls back only when the output in a spool has grown. */
export function whenGrown(spool: Spool, onGrown: () => void): () => void {
  let known = 0;
  return () => {
    const size = spoolBytes(spool);
    if (size === known) return;
    onGrown();
    known = size; // what could not be read is read with the next look
  };
}
