import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.js';
import { isAlive, type ProcessId, processesOf } from '../process/processes.js';
import { REFUSED } from './launch.js';
import { exitStatus, hasBegun, programPid, type Spool, spoolBytes, wrapperPid } from './spool.js';

/** A file system that does not tell (a network volume) costs this delay (ms). */
const LOOK_ANYWAY_MS = 1_000;
/** Between the end of the wrapper and the sight of the exit status that it wrote (ms). */
const SETTLE_MS = 20;

/** How a program ended. */
export type Exit =
  /** `code`: its exit status; undefined if it was not recorded. */
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
export function watchSpool(deps: WatchDeps): { stop(): void } {
  return new SpoolWatch(deps);
}

class SpoolWatch {
  readonly #deps: WatchDeps;
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;
  #over = false;
  /** With its exit code where the kernel told it. */
  #wrapperEnded: { readonly code: number | undefined } | undefined;
  /** A look at the output is due in this turn. */
  #isSoon = false;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#watcher = this.#watchDirectory();
    this.#timer = setInterval(() => this.#look(), LOOK_ANYWAY_MS);
    deps.wrapperGone?.then(
      (code) => this.#lost(code),
      () => this.#lost(undefined),
    );
    queueMicrotask(() => this.#look());
  }

  stop(): void {
    this.#over = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
  }

  #end(exit: Exit): void {
    if (this.#over) return;
    this.stop();
    this.#deps.onExit(exit);
  }

  #watchDirectory(): FSWatcher | undefined {
    const { directory, once, before } = this.#deps.spool;
    try {
      const watcher = watch(directory, (_, name) =>
        name === basename(once) || name === basename(before.exit)
          ? this.#carefully(() => this.#lookForExit())
          : this.#soon(),
      );
      return watcher.on('error', () => {});
    } catch {
      return undefined; // no watches left: the timer does it
    }
  }

  #look(): void {
    this.#carefully(() => {
      this.#deps.onOutput();
      if (!this.#isWrapperGone()) return; // nothing has ended, whatever the file says: it need not be read each second
      this.#lookForExit();
      if (!this.#over) void this.#lost(this.#wrapperEnded?.code);
    });
  }

  /** A program that floods is told of a hundred thousand times a second. */
  #soon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.#carefully(this.#deps.onOutput);
    });
  }

  /** While its wrapper lives nothing has ended, whatever the file says; and our own wrapper reports its end itself. */
  #lookForExit(): void {
    const { spool, wrapper, wrapperGone } = this.#deps;
    if (this.#over || wrapperGone) return;
    const code = exitStatus(spool);
    if (code === undefined) return;
    if (wrapper && isAlive(wrapper)) setTimeout(() => this.#carefully(() => this.#lookForExit()), SETTLE_MS);
    else this.#end({ kind: 'ended', code });
  }

  #isWrapperGone(): boolean {
    const { wrapper, wrapperGone } = this.#deps;
    return this.#wrapperEnded !== undefined || (!wrapperGone && !(wrapper && isAlive(wrapper)));
  }

  /** The wrapper is gone: its last word may still be on its way to us. */
  async #lost(code: number | undefined): Promise<void> {
    const { spool, wrapper, program } = this.#deps;
    this.#wrapperEnded = { code };
    const started = program ? (await program) !== undefined : true;
    if (code === undefined) await pause(SETTLE_MS);
    this.#carefully(() => {
      const status = code ?? exitStatus(spool);
      const areOthersAtWork = () => hasBegun(spool) && wrapperPid(spool) !== wrapper?.pid;
      if (!started && status === REFUSED && areOthersAtWork()) return this.#end({ kind: 'refused' });
      if (status === undefined && programLives(spool)) return;
      this.#end({ kind: started ? 'ended' : 'unstarted', code: status });
    });
  }

  /** What cannot be looked at now, such as without a free descriptor, is looked at with the next turn of the timer. */
  #carefully(look: () => void): void {
    try {
      if (!this.#over) look();
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'the spool cannot be looked at; trying again');
    }
  }
}

/**
 * Somebody has killed the wrapper alone: the program goes on, and nobody will know its exit status. Also the shell that
 * is about to become the program.
 */
function programLives(spool: Spool): boolean {
  const marked = processesOf(basename(spool.directory));
  const program = programPid(spool);
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
