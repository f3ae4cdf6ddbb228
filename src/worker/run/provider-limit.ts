import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.js';
import { beginningOf, plainText } from '../../shared/plain-text.js';
import type { ProviderLimit, Run } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';

export interface ProviderLimitDeps {
  readonly runs: Pick<RunStore, 'limited'>;
  readonly own: Ownership;
  /** We have let go of the run. */
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/** A program may tell of one refusal after the other; the record has the last of them, no sooner than this after another (ms). */
const EVERY_MS = 1_000;
/** What is said of a refusal is cut here (characters). */
const MESSAGE_CHARS = 300;

const textOf = (limit: ProviderLimit | undefined) => (limit ? JSON.stringify(limit) : '');

/** Records that the program of a run waits for its provider, and that it goes on. */
export function createProviderLimit({ runs, own, left, logger }: ProviderLimitDeps) {
  let wanted: ProviderLimit | undefined;
  /** What the record has; undefined: nothing was told. */
  let told: string | undefined;
  let isTelling = false;

  const tell = async () => {
    if (isTelling) return;
    isTelling = true;
    try {
      while (!left.aborted && textOf(wanted) !== told) {
        const telling = wanted;
        await runs.limited(own, telling);
        told = textOf(telling);
        await pause(EVERY_MS, undefined, { signal: left });
      }
    } catch (error) {
      if (!left.aborted) logger.debug({ err: error }, 'what the run waits for could not be recorded');
    } finally {
      isTelling = false;
    }
  };
  return {
    learned(limit: ProviderLimit | 'over'): void {
      wanted =
        limit === 'over' ? undefined : { ...limit, message: beginningOf(plainText(limit.message), MESSAGE_CHARS) };
      void tell();
    },
    /** Tells it again if the record does not have it. */
    compare(run: Pick<Run, 'limit'>): void {
      if (told === undefined || isTelling) return;
      told = textOf(run.limit);
      void tell();
    },
  };
}
