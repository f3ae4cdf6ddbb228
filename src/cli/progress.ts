import { plainText } from '../shared/plain-text.js';
import { cutToWidth } from './table.js';

/** A line at a terminal that is written over; nothing in a pipe. */
export interface Progress {
  show(text: string): void;
  stop(): void;
}

const CLEAR_LINE = '\r\x1b[K';

/** Says on stderr what is waited for, where a person looks at it. */
export function startProgress(): Progress {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => {}, stop: () => {} };
  return {
    show(text) {
      const [first = ''] = text.split('\n');
      stderr.write(`${CLEAR_LINE}${cutToWidth(plainText(first), (stderr.columns || 80) - 1)}`);
    },
    stop: () => void stderr.write(CLEAR_LINE),
  };
}
