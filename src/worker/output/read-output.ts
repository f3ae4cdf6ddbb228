import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../shared/logger.js';
import type { Findings, Output } from '../../shared/runners/runner.js';
import { createReader } from './findings.js';
import { followFile } from './follow.js';
import { createLane } from './lane.js';

/** One turn of the event loop reads no more, and takes no longer, for one run (bytes, ms). */
const READ_BYTES = 32 * 1024;
const TURN_MS = 5;
/** Where the time for it is up, the end is looked at all the same: results stand there (bytes). */
const END_BYTES = 1024 * 1024;
/** Bytes are processed before the next ones are read, whichever run they are of, so one buffer is enough for all runs. */
const room = Buffer.allocUnsafe(READ_BYTES);
/** However many runs have more to read, one of them goes on in each turn of the event loop. */
const turns = createLane(1);

/** Which part of the output of a program is read, and who gets it. */
export interface ReadOutput {
  readonly format: Output;
  readonly file: string;
  /** Where the output of this attempt begins (bytes). */
  readonly from: number;
  readonly onLearned: (learned: Findings) => void;
  /** Is shown each message. */
  readonly saw?: (message: unknown) => void;
  readonly logger: Logger;
}

/** Looks for facts in what a program prints, without keeping anybody waiting however much that is. */
export function startReadingOutput({ format, file, from, onLearned, saw, logger }: ReadOutput) {
  const reader = createReader(format, onLearned, logger, saw);
  const printed = followFile(file, { at: from });
  const onlyEnd = format.format === 'text' && !format.read;
  let closed = false;
  let deadline = Number.POSITIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const readOn = async () => {
    let inTime = true;
    for (let begun = performance.now(); !closed; ) {
      let bytes = printed.peek(READ_BYTES, room);
      if (onlyEnd && printed.waiting > END_BYTES) {
        printed.skip(printed.waiting - END_BYTES);
        bytes = printed.peek(READ_BYTES, room);
      }
      if (inTime && performance.now() > deadline) {
        inTime = false;
        if (printed.waiting > END_BYTES) {
          logger.warn({ bytes: printed.waiting - END_BYTES }, 'nothing is looked for in a part of the output');
          printed.skip(printed.waiting - END_BYTES);
          continue;
        }
      }
      if (bytes.length === 0) return;
      printed.advance(bytes);
      reader.take(bytes);
      if (performance.now() - begun < TURN_MS) continue;
      await turns.through(nextTurn);
      begun = performance.now();
    }
  };
  /**
   * There may be more to read; resolves when all of it was looked at, or after `withinMs` the end of it. Throws what the
   * disk says.
   */
  const readToEnd = (withinMs = Number.POSITIVE_INFINITY): Promise<void> => {
    deadline = performance.now() + withinMs;
    reading ??= readOn().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  return {
    reader,
    readToEnd,
    /** There may be more to read. */
    kick: () => void readToEnd().catch((error: unknown) => logger.warn({ err: error }, 'the output cannot be read')),
    close(): void {
      closed = true;
      printed.close();
    },
  };
}
