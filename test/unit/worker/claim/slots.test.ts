import { expect, test } from 'vitest';
import { createSlots } from '../../../../src/worker/claim/slots.js';

test('one number is for all runners together', () => {
  const slots = createSlots(2);
  slots.take('claude');
  expect([slots.isFree('claude'), slots.isFree('demo')]).toEqual([true, true]);
  slots.take('demo');
  expect([slots.isFree('claude'), slots.isFree('demo')]).toEqual([false, false]);
  slots.release('claude');
  expect([slots.isFree('claude'), slots.isFree('demo')]).toEqual([true, true]);
  expect(slots.capacity(['claude', 'demo'])).toBe(2);
});

test('numbers by runner are for each alone, and one for those without', () => {
  const slots = createSlots({ claude: 2, gemini: 0 });
  expect(['claude', 'gemini', 'demo'].map(slots.isFree)).toEqual([true, false, true]);
  slots.take('claude');
  slots.take('demo');
  expect(['claude', 'gemini', 'demo'].map(slots.isFree)).toEqual([true, false, false]);
  slots.take('claude');
  expect(slots.isFree('claude')).toBe(false);
  expect(slots.used()).toBe(3);
  expect(slots.capacity(['claude', 'gemini', 'demo'])).toBe(3);
  expect(slots.capacity([])).toBe(0);
});

test('a runner may have any name that is allowed', () => {
  const slots = createSlots({ claude: 2 });
  expect(slots.isFree('constructor')).toBe(true);
  slots.take('constructor');
  expect(slots.isFree('constructor')).toBe(false);
  expect(slots.capacity(['constructor'])).toBe(1);
});

test('adopted runs take slots beyond the number there is, and give them back', () => {
  const slots = createSlots(1);
  slots.take('demo');
  slots.take('demo');
  slots.release('demo');
  expect([slots.used(), slots.isFree('demo')]).toEqual([1, false]);
  slots.release('demo');
  expect([slots.used(), slots.isFree('demo')]).toEqual([0, true]);
});

test('a slot that nobody took cannot be given back', () => {
  const slots = createSlots(1);
  slots.release('demo');
  slots.take('demo');
  expect(slots.isFree('demo')).toBe(false);
});

test('of a runner that can bear only so many no more go on at once, whatever the setting', () => {
  const most = (runner: string) => (runner === 'alone' ? 1 : undefined);
  const together = createSlots(3, () => {}, most);
  const each = createSlots({ alone: 3, other: 2 }, () => {}, most);
  for (const slots of [together, each]) {
    slots.take('alone');
    expect([slots.isFree('alone'), slots.isFree('other')]).toEqual([false, true]);
  }
  expect([together.capacity(['alone', 'other']), each.capacity(['alone', 'other'])]).toEqual([3, 3]);
});
