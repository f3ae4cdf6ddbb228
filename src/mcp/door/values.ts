import type { z } from 'zod';
import { UserError } from '../../shared/errors.js';
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
const TIMES = new Set(['since', 'sinceTimestamp']);

const unquoted = (text: string) => text.trim().replaceAll(/^["'`\s]+|["'`\s]+$/g, '');

/** The id of a run, however it was copied: in quotes, with blanks, as an address of ours. */
function runIdOf(text: string): string {
  const [, id] = /^agent:\/\/runs\/([^/?#]+)/.exec(text) ?? [];
  return id ?? text;
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
  const text = typeof given === 'number' ? String(given) : given;
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
  const rule = 'Give milliseconds since the epoch, or ISO 8601 as 2026-01-31T12:00:00Z.';
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

function oneOf(given: unknown, entries: readonly unknown[]): unknown {
  if (typeof given !== 'string') return given;
  const word = unquoted(given).toLowerCase();
  const found = entries.find((entry) => [word, word.replace(/^sig/, '')].includes(String(entry).toLowerCase()));
  return found ?? given;
}

/** What is in a text that is JSON of an object or a list; the text itself where it is not. */
export function fromJson(given: unknown): unknown {
  if (typeof given !== 'string' || !/^\s*[[{]/.test(given)) return given;
  try {
    return JSON.parse(given);
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
      return text === '' && optional && WORDS.has(name) ? undefined : text;
    }
    case 'number':
      return numberOf(name, given);
    case 'boolean':
      return booleanOf(given);
    case 'enum':
      return oneOf(given, Object.values(def.entries));
    case 'array': {
      const read = fromJson(given);
      const list = typeof read === 'string' && name === 'runIds' ? read.split(/[\s,]+/).filter(Boolean) : read;
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
