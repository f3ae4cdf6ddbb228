import { InvalidArgumentError } from 'commander';
import { readDuration } from '../shared/read-time.js';

interface Bounds {
  readonly least?: number;
  readonly most?: number;
}

/** The parser of an option that is a whole number within bounds; anything else is wrong use. */
export function wholeNumber(bounds: Bounds = {}): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
    return within(Number(text), bounds, String);
  };
}

/** The parser of an option that is a length of time: milliseconds, or `90s`, `5m`, `2h`, `1d`. Answers milliseconds. */
export function milliseconds(bounds: Bounds = {}): (text: string) => number {
  return (text) => {
    const ms = readDuration(text);
    if (ms === undefined)
      throw new InvalidArgumentError('It must be a length of time: milliseconds, or 90s, 5m, 2h, 1d.');
    return within(ms, bounds, (bound) => `${bound} ms`);
  };
}

function within(value: number, { least = 0, most = Number.MAX_SAFE_INTEGER }: Bounds, shown: (n: number) => string) {
  if (value < least) throw new InvalidArgumentError(`It must be at least ${shown(least)}.`);
  if (value > most) throw new InvalidArgumentError(`It must be at most ${shown(most)}.`);
  return value;
}

/** The parser of an option that is one of a few words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be one of: ${words.join(', ')}.`);
  };
}

/** The parser of an option that has to look like something; `rule` says how, after "It must". */
export function matching(pattern: RegExp, rule: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(`It must ${rule}.`);
  };
}

/** An option that may be given again. */
export const several = (value: string, before: readonly string[] = []) => [...before, value];
