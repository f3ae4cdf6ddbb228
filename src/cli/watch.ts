import { setTimeout as pause } from 'node:timers/promises';
import { UnreachableError } from '../shared/errors.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { onInterrupt } from './interrupt.js';
import { onScreen } from './print.js';
import { cutStyled } from './table.js';

/** How often it looks again (ms). */
const AGAIN_MS = 1_000;

const CLEAR_AND_HOME = '\x1b[H';
const TO_END_OF_LINE = '\x1b[K';
const TO_END_OF_SCREEN = '\x1b[J';
const SHOW_CURSOR = '\x1b[?25h';
const HIDE_CURSOR = '\x1b[?25l';

/**
 * Shows something again and again until Ctrl-C: over itself at a terminal, and in a pipe as often as it has changed. While
 * Redis is away, the last that was seen stays, and it says so.
 */
export async function watchUntilInterrupted(look: (show: (line: string) => void) => Promise<void>): Promise<void> {
  const signal = onInterrupt();
  const { stdout } = process;
  let before = '';
  if (stdout.isTTY) stdout.write(`\x1b[2J${HIDE_CURSOR}`);
  try {
    while (!signal.aborted) {
      const lines: string[] = [];
      let away = '';
      try {
        await look((line) => lines.push(line));
      } catch (error) {
        const fault = asUnreachable(error);
        if (!(fault instanceof UnreachableError)) throw error;
        away = fault.message;
      }
      const text = away === '' ? lines.join('\n') : `${before}\n${away}; looking again`;
      if (stdout.isTTY) showOver(stdout, text);
      else if (text !== before) stdout.write(`${text}\n`);
      if (away === '') before = text;
      await pause(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (stdout.isTTY) stdout.write(SHOW_CURSOR);
  }
}

/** No more lines than the screen has, and none that is wider than it, each over the one before. */
function showOver(stdout: NodeJS.WriteStream, text: string): void {
  const lines = text.split('\n').slice(0, Math.max(1, (stdout.rows || 24) - 1));
  const shown = lines.map((line) => `${cutStyled(onScreen(stdout, line), stdout.columns || 80)}${TO_END_OF_LINE}\n`);
  stdout.write(CLEAR_AND_HOME + shown.join('') + TO_END_OF_SCREEN);
}
