import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with names and values',
  record: 'an object with names and values',
};

/** What a value has to be, by the validator's name of it. */
export const kindInWords = (expected: string): string =>
  expected === 'null' || expected === 'undefined'
    ? 'must be left out'
    : `must be ${KINDS[expected] ?? `a ${expected}`}`;

/** The rule that a value breaks, in our own wording, for every check without a message of its own. */
export function ruleOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : kindInWords(issue.expected);
    case 'invalid_value':
      return `must be ${alternatives(issue.values.map(String))}`;
    case 'too_small':
      if (issue.origin === 'string') return lengthOf(issue.minimum, 'at least', 'character', 'must not be empty');
      if (issue.origin === 'array') return lengthOf(issue.minimum, 'at least', 'entry', 'must not be empty');
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return lengthOf(issue.maximum, 'at most', 'character');
      if (issue.origin === 'array') return lengthOf(issue.maximum, 'at most', 'entry');
      return `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'invalid_union':
      return [...new Set(issue.errors.map((way) => way.map(({ message }) => message).join(' and ')))].join(', or ');
    case 'invalid_key':
      return 'has a name that is not allowed';
    case 'unrecognized_keys':
      return `has no ${issue.keys.join(', ')}`;
    default:
      return 'is not what is expected here';
  }
}

const PLURALS = { character: 'characters', entry: 'entries' };

function lengthOf(count: number | bigint, bound: string, what: keyof typeof PLURALS, ofOne?: string): string {
  if (Number(count) === 1 && ofOne !== undefined) return ofOne;
  return `must have ${bound} ${count} ${Number(count) === 1 ? what : PLURALS[what]}`;
}

const alternatives = (values: readonly string[]) =>
  values.length < 2 ? values.join() : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
