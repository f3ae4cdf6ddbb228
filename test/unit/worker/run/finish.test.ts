import { expect, test } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import type { EndChange, Shipped } from '../../../../src/shared/run-store/ownership.js';
import { recordEnd } from '../../../../src/worker/run/finish.js';

const own = { id: 'r1', epoch: 5 };
const logger = openLogger('test', 'error');

/** A stream of 10 bytes to ship to a Redis that gives these answers. */
function attempt(...answers: (EndChange | Error | 'connection lost')[]) {
  let at = { out: 0, err: 0 };
  const asked: Shipped[] = [];
  let interruptions = 0;
  const left = new AbortController();
  const outcome = recordEnd({
    own,
    logger,
    left: left.signal,
    ending: { state: 'done', exitCode: 0 },
    tellBefore: async () => 's1',
    shipping: {
      drain: async () => {
        at = { out: 10, err: 0 };
      },
      shipped: () => at,
      goOnFrom: (from) => {
        at = from;
      },
    },
    runs: {
      end: async (_id, _epoch, { sessionId }, shipped) => {
        expect(sessionId).toBe('s1');
        if (shipped) asked.push(shipped);
        let answer = answers.shift();
        if (answer === 'connection lost') {
          interruptions += 1; // the record was changed, and then what follows it met another connection
          answer = answers.shift() as EndChange;
        }
        if (!answer) left.abort();
        if (!answer || answer instanceof Error) throw answer ?? new Error('nothing more');
        return answer;
      },
      interruptions: () => interruptions,
    },
  });
  return { outcome, asked };
}

const answer = (given: Partial<EndChange>): EndChange => ({ changed: false, state: 'running', epoch: 5, ...given });

test('an end is recorded with all output', async () => {
  const { outcome, asked } = attempt(answer({ changed: true, state: 'done' }));
  expect(await outcome).toEqual({ state: 'done', interruptions: 0 });
  expect(asked).toEqual([{ out: 10, err: 0 }]);
});

test('an end that somebody else was faster with is that one', async () => {
  expect(await attempt(answer({ state: 'failed' })).outcome).toMatchObject({ state: 'failed' });
});

test('a run that is not ours any more has no end of ours', async () => {
  expect(await attempt(answer({ state: 'running', epoch: 6 })).outcome).toBeUndefined();
  expect(await attempt(answer({ state: undefined })).outcome).toBeUndefined();
});

test('output that Redis has forgotten is sent again before the end', async () => {
  const { outcome, asked } = attempt(answer({ missing: { out: 3, err: 0 } }), answer({ changed: true, state: 'done' }));
  expect(await outcome).toEqual({ state: 'done', interruptions: 0 });
  expect(asked).toHaveLength(2);
});

test('a refusal is followed by another try, until we let go', async () => {
  expect(await attempt(new Error('OOM'), answer({ changed: true, state: 'done' })).outcome).toMatchObject({
    state: 'done',
  });
  expect(await attempt(new Error('OOM')).outcome).toBeUndefined();
});

test('an end tells how often the connection had been lost before it was sent', async () => {
  const { outcome } = attempt('connection lost', answer({ changed: true, state: 'done' }));
  expect(await outcome).toEqual({ state: 'done', interruptions: 0 });
});
