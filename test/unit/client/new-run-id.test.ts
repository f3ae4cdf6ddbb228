import { describe, expect, test } from 'vitest';
import { newRunId } from '../../../src/client/submit.js';

describe('a new run id', () => {
  const ids = Array.from({ length: 2_000 }, newRunId);

  test('is a letter and 19 letters and digits that nobody mistakes for each other', () => {
    for (const id of ids) expect(id).toMatch(/^r[0-9a-hjkmnp-tv-z]{19}$/);
  });

  test('is never a number, which BullMQ would refuse, and never holds a colon', () => {
    expect(ids.filter((id) => !Number.isNaN(Number(id)) || id.includes(':'))).toEqual([]);
  });

  test('comes once', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('uses every sign in every place', () => {
    for (let place = 1; place < 20; place += 1) expect(new Set(ids.map((id) => id[place])).size).toBe(32);
  });
});
