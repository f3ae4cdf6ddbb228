import { expect, test } from 'vitest';
import { createContact } from '../../../../src/worker/recover/contact.js';

/** A worker with a heartbeat of 100 ms, on a clock of its own. */
function worker() {
  let clock = 0;
  const contact = createContact(100, () => clock);
  return {
    isSteady: contact.isSteady,
    beats(count: number) {
      for (let beat = 0; beat < count; beat += 1) {
        clock += 100;
        contact.heard();
      }
    },
    passes(ms: number) {
      clock += ms;
    },
  };
}

test('who has just come does not judge others, and does after three heartbeats', () => {
  const { isSteady, beats } = worker();
  expect(isSteady()).toBe(false);
  beats(2);
  expect(isSteady()).toBe(false);
  beats(1);
  expect(isSteady()).toBe(true);
});

test('who hears nothing from Redis does not judge others, nor right after it is back', () => {
  const { isSteady, beats, passes } = worker();
  beats(10);
  passes(301);
  expect(isSteady()).toBe(false);
  beats(1);
  expect(isSteady()).toBe(false);
  beats(3);
  expect(isSteady()).toBe(true);
});

test('a late heartbeat changes nothing', () => {
  const { isSteady, beats, passes } = worker();
  beats(10);
  passes(150);
  beats(1);
  expect(isSteady()).toBe(true);
});
