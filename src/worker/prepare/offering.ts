import { statSync } from 'node:fs';
import type { Logger } from '../../shared/logger.js';
import type { Runner } from '../../shared/runners/runner.js';
import type { OfferedRunner } from '../../shared/workers/workers.js';
import { every } from '../every.js';
import { type Asking, type Installed, installedRunners, programVersion } from './installed.js';

type Env = Readonly<Record<string, string | undefined>>;

export interface OfferingDeps {
  readonly runners: Iterable<Runner>;
  /** The runners to offer; absent: all that are found. */
  readonly wanted: readonly string[] | undefined;
  readonly env: Env;
  /** How a program is asked for its version: its user may have put another one in its place. */
  readonly askingOf: (runner: Runner) => Asking;
  /** How often programs are looked for (ms). */
  readonly everyMs: number;
  readonly logger: Logger;
}

/** What a worker offers, now: what a person installs, replaces or removes counts with the next look. */
export interface Offering {
  /** The runners whose program is here; the same map for ever. */
  readonly installed: Installed;
  /** What the heartbeat tells of them, with their versions once they were asked: some CLIs are slow to say. */
  offers(): OfferedRunner[];
  /** Whether the program of an offered runner is there at this moment; if not, all programs are looked for again. */
  isHere(runner: string): boolean;
  /** Looks at once. */
  look(): void;
  /** Begins to ask for versions: not before the start is over, because starting ten programs takes a while. */
  askVersions(): void;
  onChange(listener: () => void): void;
  stop(): Promise<void>;
}

/** Which file a program is: another one after it was updated. Undefined also where the host cannot tell just now. */
function fileOf(program: string): string | undefined {
  try {
    const found = statSync(program);
    return found.isFile() ? `${program} ${found.ino} ${found.mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}

/** Looks for the programs of runners at once, and then again and again. */
export function startOffering({ runners, wanted, env, askingOf, everyMs, logger }: OfferingDeps): Offering {
  const all = [...runners];
  const installed: Installed = installedRunners(all, wanted, env);
  /** By file, and undefined for a program that does not tell. */
  const versions = new Map<string, string | undefined>();
  const listeners = new Set<() => void>();
  let asking: Promise<void> | undefined;

  function look(): void {
    const found = installedRunners(all, wanted, env);
    const come = [...found].filter(([name, { program }]) => installed.get(name)?.program !== program);
    const gone = [...installed.keys()].filter((name) => !found.has(name));
    for (const name of gone) installed.delete(name);
    for (const [name, offered] of come) installed.set(name, offered);
    if (come.length + gone.length > 0) {
      logger.info({ found: come.map(([name]) => name), gone }, 'the runners of this host have changed');
      for (const listener of listeners) listener();
    }
    if (asking) ask();
  }

  /** One after the other: each is the start of a whole CLI. */
  function ask(): void {
    asking = (asking ?? Promise.resolve()).then(async () => {
      for (const { runner, program } of [...installed.values()]) {
        const file = fileOf(program);
        if (!runner.versionArgs || file === undefined || versions.has(file)) continue;
        versions.set(file, await programVersion(program, runner.versionArgs, askingOf(runner)).catch(() => undefined));
      }
    });
  }

  const loop = every(everyMs, async () => look(), {
    failed: 'the programs of this host could not be looked for',
    logger,
  });
  return {
    installed,
    look,
    askVersions: ask,
    isHere(name) {
      const offered = installed.get(name);
      if (offered && fileOf(offered.program) !== undefined) return true;
      if (offered) look();
      return installed.has(name);
    },
    offers: () =>
      [...installed].map(([name, { program }]) => {
        const version = versions.get(fileOf(program) ?? '');
        return { name, program, ...(version && { version }) };
      }),
    onChange: (listener) => void listeners.add(listener),
    stop: loop.stop,
  };
}
