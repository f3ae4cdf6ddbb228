import type { seeded } from '../../support/random.js';

/** What may stand in a program's output where something else was expected. */
export const RUBBISH: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.NaN,
  Number.MAX_SAFE_INTEGER,
  '',
  ' ',
  'words',
  '\0\u2028\ud800',
  'x'.repeat(1_000_000),
  [],
  [null],
  [[[]]],
  ['type', 'result'],
  {},
  { type: null },
  { type: 'result' },
  { type: 'system', subtype: 'init' },
  { type: 'result', is_error: 'yes', usage: [], result: {} },
  { session: null, answer: null, error: null },
  { session: { id: '' }, answer: '', error: { message: '' } },
  { session: { id: [] }, answer: [], error: { message: {} } },
  { session: { id: 7 }, answer: 0, error: { message: false } },
  { session: 'id', answer: { a: 1 }, error: 'message' },
  { __proto__: { type: 'result' }, constructor: 1, toString: 2 },
  JSON.parse('{"__proto__":{"type":"result","session":{"id":"x"}}}'),
];

/** Rubbish for a runner that reads lines of text. */
export const asLine = (value: unknown) => (typeof value === 'string' ? value : `${JSON.stringify(value)}`);

/** An object within an object, so many times. */
export function deeply(depth: number): unknown {
  let value: unknown = 'the bottom';
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { error: value } : [value];
  return value;
}

/** The same JSON value with one part of it, of any depth, replaced by rubbish, renamed or left out. */
export function mutated(value: unknown, random: ReturnType<typeof seeded>): unknown {
  if (typeof value !== 'object' || value === null || random.next() < 0.1) return random.pick(RUBBISH);
  const entries = Object.entries(value);
  if (entries.length === 0) return random.pick(RUBBISH);
  const at = random.whole(0, entries.length - 1);
  const [key, old] = entries[at] as [string, unknown];
  const replaced: [string, unknown] = [random.next() < 0.1 ? 'other' : key, mutated(old, random)];
  const rest = entries.map((entry, index) => (index === at ? replaced : entry));
  if (random.next() < 0.1) rest.splice(at, 1);
  return Array.isArray(value) ? rest.map(([, item]) => item) : Object.fromEntries(rest);
}
