import type { Logger } from '../../shared/logger.js';
import { isEnded, type RunState } from '../../shared/run-state.js';
import type { Ending, Ownership } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { again } from '../again.js';
import type { Shipping } from '../output/ship.js';

export interface RecordEnd {
  readonly runs: Pick<RunStore, 'end'>;
  readonly own: Ownership;
  readonly shipping: Pick<Shipping, 'drain' | 'shipped' | 'goOnFrom'>;
  readonly ending: Ending;
  /** We have let go of the run. */
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/**
 * Ships the rest of the output and records the end, which Redis takes only when it has every byte: one that crashed
 * meanwhile may have forgotten the last ones. Answers how the run has ended; undefined when it is not ours any more.
 */
export async function recordEnd(given: RecordEnd): Promise<RunState | undefined> {
  const { runs, own, shipping, ending, left, logger } = given;
  for (;;) {
    await shipping.drain();
    const ended = await again(
      () => runs.end(own.id, own.epoch, ending, shipping.shipped()),
      left,
      (error) => logger.warn({ err: error }, 'Redis refused the end of the run; it is told again'),
    );
    if (!ended) return undefined;
    if (!ended.missing) return ended.state && isEnded(ended.state) ? ended.state : undefined;
    logger.info({ missing: ended.missing }, 'Redis has less output than it had confirmed; it is sent again');
    shipping.goOnFrom(ended.missing);
  }
}
