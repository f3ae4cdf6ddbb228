import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lookOnceATurn } from '../../../src/shared/by-turn.js';

describe('what is looked at once a turn', () => {
  it('is looked at once for all who ask in one turn of the event loop, and anew in the next', async () => {
    let looks = 0;
    const look = lookOnceATurn((at) => `${at} ${++looks}`);
    expect([look('a'), await Promise.resolve().then(() => look('a')), look('b')]).toEqual(['a 1', 'a 1', 'b 2']);
    await nextTurn();
    await nextTurn();
    expect([look('a'), look('b')]).toEqual(['a 3', 'b 4']);
  });

  it('is looked at again where the look failed', () => {
    let fails = true;
    const look = lookOnceATurn(() => {
      if (fails) throw new Error('it is away');
      return 'there';
    });
    expect(() => look('a')).toThrow('it is away');
    fails = false;
    expect(look('a')).toBe('there');
  });
});
