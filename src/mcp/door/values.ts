import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import { isDeeperThan } from '../../shared/nesting.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import { beginningOf } from '../../shared/plain-text.js';
import { readDuration, readIsoTime } from '../../shared/read-time.js';

/** A schema without what only says that it may be absent. */
function bareOf(schema: z.core.$ZodType): { bare: z.core.$ZodTypes; nullable: boolean; optional: boolean } {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type !== 'optional' && def.type !== 'default' && def.type !== 'nullable')
    return { bare: schema as z.core.$ZodTypes, nullable: false, optional: false };
  const inner = bareOf(def.innerType);
  return { ...inner, ...(def.type === 'nullable' ? { nullable: true } : { optional: true }) };
}

/** Text of these names holds no blanks or quotes at its ends, and empty it is absent. */
const WORDS = new Set(
  'runId runIds runner agentName name sessionId cursor host model mode clientToken provider'.split(' '),
);
/** Lists of words that may be written as one text, with commas or blanks. */
const LISTS = new Set(['runIds', 'requires']);
const TIMES = new Set(['since', 'sinceTimestamp']);

/** What stands for nothing, and is never the name of something. */
const NOTHING = /^(|null|undefined)$/;

const unquoted = (text: string) => text.trim().replaceAll(/^["'`\s]+|["'`\s]+$/g, '');

/** The id of a run, however it was copied: in quotes, with blanks, as an address of ours. */
function runIdOf(text: string): string {
  const [, id] = /^agent:\/\/runs\/([^/?#]+)/.exec(text) ?? [];
  const within = new Set(text.toLowerCase().match(RUN_ID));
  return id ?? (within.size === 1 ? [...within].join() : text);
}
const RUN_ID = /(?<![\w-])r[0-9a-hjkmnp-tv-z]{19}(?![\w-])/g;

/** A directory, in quotes or as the address of a file; within it, blanks are its own. */
function pathOf(text: string): string {
  const [, inner = text.trim()] = /^\s*(?:"([^"]*)"|'([^']*)'|`([^`]*)`)\s*$/.exec(text)?.filter(Boolean) ?? [];
  if (!/^file:\/\/\//i.test(inner)) return inner;
  try {
    return fileURLToPath(inner);
  } catch {
    return inner;
  }
}

const core = (name: string) => {
  const word = name.toLowerCase().replaceAll(/[\s_-]/g, '');
  return word.replace(/(?<=.)((cli|code|agent)+)$/, '');
};

/** The runner that a name means: itself, in any case, or as others call it, such as `claude-code`; else the name. */
export function runnerOf(text: string, runners: readonly string[]): string {
  if (runners.includes(text)) return text;
  const lower = runners.find((name) => name.toLowerCase() === text.toLowerCase());
  const [only, ...more] = runners.filter((name) => core(name) === core(text));
  return lower ?? (more.length === 0 ? only : undefined) ?? text;
}

function textOf(name: string, given: unknown, runners: readonly string[]): unknown {
  const one = Array.isArray(given) && given.length === 1 ? given[0] : given;
  const text = typeof one === 'number' ? String(one) : one;
  if (typeof text === 'string' && name === 'path') return pathOf(text);
  if (typeof text !== 'string' || !WORDS.has(name)) return text;
  const word = unquoted(text);
  if (name === 'runner') return runnerOf(word, runners);
  return name === 'runId' || name === 'runIds' ? runIdOf(word) : word;
}

function numberOf(name: string, given: unknown): unknown {
  const text = typeof given === 'string' ? unquoted(given) : given;
  const number = typeof text === 'string' && /^[+-]?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text;
  if (TIMES.has(name)) return timeOf(name, number);
  if (name.endsWith('Ms') && typeof number === 'string') return readDuration(number) ?? given;
  return typeof number === 'number' ? number : given;
}

/** Between 1973 in seconds and 1973 in milliseconds: no run is so old. */
const SECONDS = { least: 1e8, most: 1e11 };

function timeOf(name: string, given: unknown): unknown {
  const ms = typeof given === 'string' ? readIsoTime(given) : given;
  const ago = typeof given === 'string' ? readDuration(given.trim().replace(/\s+ago$/i, '')) : undefined;
  const then = ago === undefined ? '2026-01-31T12:00:00Z' : new Date(Date.now() - ago).toISOString();
  const rule = `Give milliseconds since the epoch, or ISO 8601 as ${then}${ago === undefined ? '' : ', which was so long ago'}.`;
  if (typeof ms === 'number' && ms >= SECONDS.least && ms < SECONDS.most)
    throw new UserError('invalid_argument', `${ms} are seconds; it takes milliseconds`, rule, name);
  if (ms !== undefined) return ms;
  const shown = JSON.stringify(beginningOf(String(given), 60));
  throw new UserError('invalid_argument', `${shown} is not a time`, rule, name);
}

function booleanOf(given: unknown): unknown {
  if (given === 0 || given === 1) return given === 1;
  if (typeof given !== 'string') return given;
  const word = unquoted(given).toLowerCase();
  if (word === 'true' || word === '1' || word === 'yes') return true;
  return word === 'false' || word === '0' || word === 'no' ? false : given;
}

/** Signals by their numbers, as people give them to kill. */
const SIGNALS: Readonly<Record<string, string>> = { '2': 'int', '9': 'kill', '15': 'term' };

function oneOf(given: unknown, entries: readonly unknown[]): unknown {
  if (typeof given !== 'string' && typeof given !== 'number') return given;
  const said = unquoted(String(given)).toLowerCase();
  const word = SIGNALS[said] ?? said;
  const found = entries.find((entry) => [word, word.replace(/^sig/, '')].includes(String(entry).toLowerCase()));
  return found ?? given;
}

/** No tool takes more lists and objects within each other. */
export const DEEPEST_ARGUMENTS = 32;

/** What is in a text that is JSON of an object or a list; the text itself where it is not. */
export function fromJson(given: unknown): unknown {
  if (typeof given !== 'string' || !/^\s*[[{]/.test(given)) return given;
  try {
    const value: unknown = JSON.parse(given);
    return isDeeperThan(value, DEEPEST_ARGUMENTS) ? given : value;
  } catch {
    return given;
  }
}

/** A map that is written as `key=value`, one or a list of them. A comma in one may divide two, and so is left alone. */
function fromPairs(given: unknown): Record<string, string> | undefined {
  const lines = typeof given === 'string' ? given.trim().split(/\s*\n\s*/) : given;
  if (!Array.isArray(lines) || lines.length === 0) return undefined;
  const pairs = lines.map((line) => /^\s*([A-Za-z_][\w./-]*)\s*=([^,]*)$/s.exec(String(line)));
  if (pairs.some((pair) => !pair)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2]?.trim() ?? '']));
}

function recordOf(given: unknown, valueType: z.core.$ZodType): unknown {
  const isText = (valueType as z.core.$ZodTypes)._zod.def.type === 'string';
  const read = fromJson(given);
  const record = isText ? (fromPairs(read) ?? read) : read;
  if (!isText || typeof record !== 'object' || record === null || Array.isArray(record)) return record;
  const plain = (value: unknown) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value);
  return omitUndefined(
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, plain(value) ?? undefined])),
  );
}

/** One object where several may be given is a list of one. */
function alone(given: unknown, element: z.core.$ZodType): unknown {
  const isOne = typeof given === 'object' && given !== null && !Array.isArray(given) && Object.keys(given).length > 0;
  return isOne && (element as z.core.$ZodTypes)._zod.def.type === 'object' ? [given] : given;
}

/** Words that models write where an id would be; what they mean is said in another way. */
const NO_IDS: Readonly<Record<string, readonly [words: RegExp, hint: string]>> = {
  runId: [
    /^(latest|last|newest|current|all|any|\*)$/i,
    'Give agentName for its latest run; list_runs shows the runs there are.',
  ],
  sessionId: [
    /^(new|fresh|none|auto|latest|last)$/i,
    'Leave it out for a new session; autoResume takes the latest one.',
  ],
};

function refuseNoId(name: string, text: unknown): void {
  const [words, hint = ''] = NO_IDS[name] ?? [];
  if (typeof text !== 'string' || !words?.test(text)) return;
  throw new UserError('invalid_argument', `${JSON.stringify(text)} is not an id`, hint, name);
}

/** What an argument means; undefined: nothing was given. Members of objects are left to `members`. */
export function meantValue(
  name: string,
  schema: z.core.$ZodType,
  given: unknown,
  runners: readonly string[],
  members: (schema: z.core.$ZodObject, given: unknown) => unknown,
): unknown {
  const { bare, nullable, optional } = bareOf(schema);
  if (given === null || given === undefined) return nullable ? given : undefined;
  const { def } = bare._zod;
  switch (def.type) {
    case 'string': {
      const text = textOf(name, given, runners);
      refuseNoId(name, text);
      const isWord = WORDS.has(name) || name === 'path';
      return typeof text === 'string' && NOTHING.test(text) && optional && isWord ? undefined : text;
    }
    case 'number':
      return numberOf(name, given);
    case 'boolean':
      return booleanOf(given);
    case 'enum':
      return oneOf(given, Object.values(def.entries));
    case 'array': {
      const read = fromJson(given);
      const list =
        typeof read === 'string' && LISTS.has(name) ? read.split(/[\s,]+/).filter(Boolean) : alone(read, def.element);
      if (!Array.isArray(list)) return list;
      return list.map((item) => meantValue(name, def.element, item, runners, members) ?? item);
    }
    case 'object':
      return members(bare as z.core.$ZodObject, fromJson(given));
    case 'record':
      return recordOf(given, def.valueType);
    default:
      return given;
  }
}
