import { isDeepStrictEqual } from 'node:util';
import { applyEdits, modify, type ParseError, parse as parseJson } from 'jsonc-parser';
import { parse as parseToml, stringify } from 'smol-toml';
import { UserError } from '../shared/errors.js';
import { type Entry, OUR_MEMBERS } from './connect-clients.js';

/** What our server is called in every client. */
const SERVER_NAME = 'agentpool';

type Members = Record<string, unknown>;
const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};

/** Our entry as it should be: ours, and whatever else a person has put into it. In `env` both have their names. */
function wanted(existing: unknown, entry: Entry): Members {
  const there = membersOf(existing);
  const kept = Object.entries(there).filter(([name]) => !OUR_MEMBERS.includes(name));
  const env = entry.env && { env: { ...membersOf(there.env), ...membersOf(entry.env) } };
  return { ...entry, ...Object.fromEntries(kept), ...env };
}

/** The members of an entry that are rewritten: all that the user has not set to a value of their own. */
const written = (existing: unknown, entry: Entry): Members =>
  Object.fromEntries(
    Object.entries(wanted(existing, entry)).filter(
      ([name]) => name in entry && (OUR_MEMBERS.includes(name) || name === 'env' || !(name in membersOf(existing))),
    ),
  );

/** A file of its own with nothing but our entry. */
export function onlyEntry(format: 'json' | 'toml', servers: string, entry: Entry): string {
  const whole = { [servers]: { [SERVER_NAME]: entry } };
  return format === 'json' ? `${JSON.stringify(whole, null, 2)}\n` : `${stringify(whole).trim()}\n`;
}

/** JSON, comments and all, with our entry under `servers`; the text itself when it has it already. */
export function withJsonEntry(text: string, servers: string, entry: Entry): string {
  if (text.trim() === '') return onlyEntry('json', servers, entry);
  const errors: ParseError[] = [];
  const whole: unknown = parseJson(text, errors, { allowTrailingComma: true });
  const there = membersOf(whole)[servers];
  if (errors.length > 0 || membersOf(whole) !== whole || (there !== undefined && membersOf(there) !== there))
    throw unreadable('it is not JSON, or has something else where the servers should be');
  const existing = membersOf(there)[SERVER_NAME];
  const goal = wanted(existing, entry);
  if (isDeepStrictEqual(existing, goal)) return text;
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const formattingOptions = { insertSpaces: !indent.startsWith('\t'), tabSize: indent.length, keepLines: true };
  // New members go in first: the library would put what stands before them into a form of its own.
  const put = (before: string, path: string[], value: unknown) =>
    applyEdits(before, modify(before, path, value, { formattingOptions, getInsertionIndex: () => 0 }));
  if (membersOf(existing) !== existing) return put(text, [servers, SERVER_NAME], goal);
  const { env, ...others } = written(existing, entry);
  const path = [servers, SERVER_NAME];
  const names = new Set([...OUR_MEMBERS.filter((name) => name in membersOf(existing)), ...Object.keys(others)]);
  const edited = [...names].reduce((before, name) => put(before, [...path, name], others[name]), text);
  if (env === undefined) return edited;
  if (membersOf(existing).env === undefined) return put(edited, [...path, 'env'], env);
  return Object.entries(membersOf(entry.env)).reduce(
    (before, [name, value]) => put(before, [...path, 'env', name], value),
    edited,
  );
}

/** TOML with our entry as a table of its own; the text itself when it has it already. */
export function withTomlEntry(text: string, servers: string, entry: Entry): string {
  const before = tomlOf(text);
  const there = membersOf(before[servers]);
  const goal = { ...before, [servers]: { ...there, [SERVER_NAME]: wanted(there[SERVER_NAME], entry) } };
  if (isDeepStrictEqual(before, goal)) return text;
  const existing = there[SERVER_NAME];
  const after =
    existing === undefined
      ? withNewTable(text, servers, entry)
      : withTable(text, servers, written(existing, entry), membersOf(entry.env));
  // The file is edited as text, so that comments stay; whatever its form, it must come out as it should be.
  if (isDeepStrictEqual(tomlOf(after), goal)) return after;
  throw unreadable('its form is too unusual to be edited');
}

function tomlOf(text: string): Members {
  try {
    return structuredClone(parseToml(text)); // with plain objects, which compare as such
  } catch {
    throw unreadable('it is not TOML');
  }
}

function withNewTable(text: string, servers: string, entry: Entry): string {
  const gap = text === '' || text.endsWith('\n\n') ? '' : text.endsWith('\n') ? '\n' : '\n\n';
  return `${text}${gap}${onlyEntry('toml', servers, entry)}`;
}

/** Takes our members out of the lines of our table and puts them in anew, first; `env` may be a table of its own. */
function withTable(text: string, servers: string, { env, ...members }: Members, ourEnv: Members): string {
  const header = (...more: string[]) => {
    const names = [SERVER_NAME, ...more].map((name) => `\\s*\\.\\s*"?${name}"?`).join('');
    return new RegExp(`^\\s*\\[\\s*${servers}${names}\\s*\\]\\s*(#.*)?$`);
  };
  const hasTable = text.split('\n').some((line) => header('env').test(line));
  const inline = env === undefined || hasTable ? [] : [`env = ${inlineTable(membersOf(env))}`];
  const edited = withMembers(text, header(), [...assignments(members), ...inline], env === undefined ? [] : ['env']);
  return hasTable && env !== undefined
    ? withMembers(edited, header('env'), assignments(ourEnv), Object.keys(ourEnv))
    : edited;
}

const assignments = (members: Members) => stringify(members).trim().split('\n');
const inlineTable = (members: Members) => `{ ${assignments(members).join(', ')} }`;

/** Puts lines first into the table under a header, in place of our members and of `names` there. */
function withMembers(text: string, header: RegExp, ours: readonly string[], names: readonly string[]): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => header.test(line));
  if (at < 0) return text;
  const kept: string[] = [];
  let next = at + 1;
  while (next < lines.length && !/^\s*\[/.test(lines[next] ?? '')) {
    const name = /^\s*"?([\w-]+)"?\s*=/.exec(lines[next] ?? '')?.[1];
    const end = name === undefined ? next + 1 : endOfValue(lines, next);
    if (name === undefined || ![...OUR_MEMBERS, ...names].includes(name)) kept.push(...lines.slice(next, end));
    next = end;
  }
  return [...lines.slice(0, at + 1), ...ours, ...kept, ...lines.slice(next)].join('\n');
}

/** A value may go over several lines: it ends where what was read so far is TOML. */
function endOfValue(lines: readonly string[], from: number): number {
  for (let end = from + 1; end <= lines.length; end += 1)
    try {
      parseToml(lines.slice(from, end).join('\n'));
      return end;
    } catch {}
  return from + 1;
}

const unreadable = (why: string) =>
  new UserError(
    'config_unreadable',
    `the file cannot be edited: ${why}`,
    'Put in by hand what the command prints without --write.',
  );
