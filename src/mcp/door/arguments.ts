import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import { beginningOf } from '../../shared/plain-text.js';
import type { Tool } from '../tool.js';
import { meantArgument } from './names.js';
import { fromJson, meantValue, runnerOf } from './values.js';

/** Arguments in their one meaning, still unchecked, and what the caller should know of those that were ignored. */
export interface Brought {
  readonly args: unknown;
  readonly warnings: readonly string[];
}

/** So many ignored arguments are named, and so much of each name (characters). */
const MOST_NAMED = 20;
const NAME_CHARS = 64;

/** Arguments that came within one more object, as some clients and models write them. */
function unwrapped(given: unknown, known: readonly string[]): unknown {
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  const [[name, value] = ['', undefined], ...more] = entries;
  if (more.length > 0 || known.includes(name) || !/^(input|params|parameters|arguments|args|kwargs)$/.test(name))
    return given;
  const inner = fromJson(value);
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : given;
}

/**
 * Brings what a client sent to its one meaning, whatever way it writes it. Decides nothing that the schema decides. Throws
 * a UserError with the right call for what could mean two things.
 */
export function bringArguments(
  { name: tool, input }: Pick<Tool, 'name' | 'input'>,
  given: unknown,
  runners: readonly string[],
): Brought {
  const ignored: string[] = [];
  const isRunner = (text: unknown) => typeof text === 'string' && runners.includes(runnerOf(text.trim(), runners));

  const membersOf = (schema: z.core.$ZodObject, record: unknown, path: string): unknown => {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return record;
    const { shape } = schema._zod.def;
    const known = Object.keys(shape);
    const brought = new Map<string, unknown>();
    for (const [key, value] of Object.entries(record)) {
      if (value === null && !known.includes(key)) continue;
      const meant = known.includes(key) ? { name: key, value } : meantArgument(key, value, known, isRunner);
      const inner = meant && shape[meant.name];
      if (!inner) {
        ignored.push(`${path}${key}`);
        continue;
      }
      const of = (one: z.core.$ZodObject, members: unknown) => membersOf(one, members, `${path}${meant.name}.`);
      const one = meantValue(meant.name, inner, meant.value, runners, of);
      if (one === undefined) continue;
      if (brought.has(meant.name) && !isDeepStrictEqual(brought.get(meant.name), one))
        throw new UserError(
          'invalid_argument',
          `it is given twice, also as ${key}`,
          `Give ${meant.name} once.`,
          meant.name,
        );
      brought.set(meant.name, one);
    }
    return Object.fromEntries(brought);
  };

  const args = membersOf(input, unwrapped(fromJson(given) ?? {}, Object.keys(input.shape)), '');
  const named = ignored.slice(0, MOST_NAMED).map((key) => {
    const short = key.length <= NAME_CHARS ? key : `${beginningOf(key, NAME_CHARS)}…`;
    return `${tool} has no argument ${short}; it was ignored`;
  });
  const left = ignored.length - named.length;
  return { args, warnings: left > 0 ? [...named, `${left} more arguments were ignored`] : named };
}
