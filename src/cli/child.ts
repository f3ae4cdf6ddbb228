import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { ConfigError, type ErrorBody, RedisRefusedError, UnreachableError } from '../shared/errors.js';
import type { Logger } from '../shared/logger.js';
import { ownCommand } from './pool-process.js';

/** After a crash the child is started again, a little later each time (ms). */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A child that lived so long (ms) begins with the first pause again. */
const SETTLED_MS = 60_000;

/** A process of ours that has ended before it was ready; its last line is what went wrong, as JSON. */
export class EndedChildError extends Error {
  override readonly name = 'EndedChildError';
  constructor(
    readonly said: string,
    readonly exitCode: number | null,
  ) {
    super(said);
  }

  /** The same as an error of ours, so that we say it and end as the child did. */
  asOwn(): Error {
    const body = errorIn(this.said.split('\n').at(-1) ?? '');
    if (body?.code === 'configuration') return new ConfigError(body.message.split('\n'));
    if (body?.code === 'redis_unreachable') return new UnreachableError(body.message, body.hint);
    if (body?.code === 'redis_refused') return new RedisRefusedError(body.message, body.hint);
    return new Error(body?.message ?? `a process of the pool ended with ${this.exitCode}: ${this.said}`);
  }
}

function errorIn(line: string): ErrorBody | undefined {
  try {
    return JSON.parse(line) as ErrorBody;
  } catch {
    return undefined;
  }
}

/** A process of ours that `up` keeps alive. */
export interface Child {
  /** The line that it prints when it is ready. Rejects with an EndedChildError when it ends before. */
  readonly ready: Promise<string>;
  stop(): Promise<void>;
}

/** Starts a subcommand and keeps it running; a crash of one does not touch the other. */
export function keepRunning(args: readonly string[], env: Record<string, string>, logger: Logger): Child {
  const { command, args: own } = ownCommand();
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let settle: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  const ready = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject };
  });

  ready.catch(() => {}); // whoever asks hears of it, even if it is later

  const once = () =>
    new Promise<number | null>((resolve) => {
      const started = spawn(command, [...own, ...args, '--with-parent'], {
        stdio: ['pipe', 'pipe', settle ? 'pipe' : 'inherit'],
        env,
      });
      child = started;
      let said = '';
      started.stderr?.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4_096);
        if (!settle) process.stderr.write(bytes);
      });
      started.stdout?.once('data', (bytes: Buffer) => {
        settle?.resolve(bytes.toString().trim());
        settle = undefined;
        process.stderr.write(said);
      });
      started.once('error', () => resolve(null));
      started.once('exit', (code) => {
        settle?.reject(new EndedChildError(said.trim(), code));
        resolve(code);
      });
    });

  const loop = (async () => {
    let wait = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const begun = performance.now();
      const code = await once();
      if (stopping.signal.aborted || settle) return;
      logger.error({ args, code }, 'a process of the pool has ended; starting it again');
      wait = performance.now() - begun > SETTLED_MS ? FIRST_PAUSE_MS : Math.min(wait * 2, LONGEST_PAUSE_MS);
      await pause(wait, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();

  return {
    ready,
    async stop() {
      stopping.abort();
      child?.kill('SIGTERM');
      await loop;
    },
  };
}
