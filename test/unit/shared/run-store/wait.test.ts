import { describe, expect, test } from 'vitest';
import type { Run } from '../../../../src/shared/run.js';
import { isEnded, type RunState } from '../../../../src/shared/run-state.js';
import { CLAIMED, createWaker, waitForRun } from '../../../../src/shared/run-store/wait.js';

const LONG = 600_000;
const ended = (run: Run) => isEnded(run.state);

/** A record that we change and a bell that we ring ourselves. */
function source(first: RunState | undefined) {
  let state = first;
  let onNotification: ((message: string) => void) | undefined;
  let looks = 0;
  return {
    get: async () => {
      looks += 1;
      return state === undefined ? undefined : ({ state } as Run);
    },
    listen: async (listener: (message: string) => void) => {
      onNotification = listener;
      return () => {
        onNotification = undefined;
      };
    },
    ring: (message: string) => onNotification?.(message),
    become: (next: RunState) => {
      state = next;
    },
    listening: () => onNotification !== undefined,
    looks: () => looks,
  };
}

/** Lets everything go on that waits for nothing but its turn. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a wait for a run', () => {
  test.each(['', 'of a newer release'])('looks again at a notification that names no state (%j)', async (message) => {
    const record = source('running');
    const waiting = waitForRun(record, 'r', ended, { timeoutMs: LONG, wakesOn: isEnded });
    await settled();
    record.become('done');
    record.ring(message);
    expect(await waiting).toEqual({ state: 'done' });
  });

  test('looks at a claim only if claims matter, and an end always wakes it', async () => {
    const record = source('queued');
    const waiting = waitForRun(record, 'r', ended, { timeoutMs: LONG, wakesOn: (_, isClaim) => !isClaim });
    await settled();
    const before = record.looks();
    record.ring(CLAIMED);
    await settled();
    expect(record.looks()).toBe(before);
    record.become('done');
    record.ring('done');
    expect(await waiting).toEqual({ state: 'done' });
  });

  test('is over at once when the fact is there already', async () => {
    const record = source('done');
    expect(await waitForRun(record, 'r', ended, { timeoutMs: LONG })).toEqual({ state: 'done' });
    expect(record.listening()).toBe(false);
  });

  test('is over at once when there is no such run', async () => {
    const record = source(undefined);
    expect(await waitForRun(record, 'r', ended, { timeoutMs: LONG })).toBeUndefined();
    expect(record.listening()).toBe(false);
  });

  test('looks again when it is rung, and only then', async () => {
    const record = source('queued');
    const waiting = waitForRun(record, 'r', ended, { timeoutMs: LONG });
    await settled();
    record.become('running');
    record.ring('running');
    await settled();
    expect(record.looks()).toBe(2);
    record.become('done');
    await settled();
    expect(record.looks()).toBe(2);
    record.ring('done');
    expect(await waiting).toEqual({ state: 'done' });
    expect(record.listening()).toBe(false);
  });

  test('is not woken by output, but tells of it', async () => {
    const record = source('running');
    const heard: string[] = [];
    const waiting = waitForRun(record, 'r', ended, {
      timeoutMs: LONG,
      onNotification: (message) => heard.push(message),
    });
    await settled();
    record.ring('output');
    await settled();
    expect([record.looks(), heard]).toEqual([1, ['output']]);
    record.become('killed');
    record.ring(''); // the connection was lost and is back
    expect(await waiting).toEqual({ state: 'killed' });
    expect(heard).toEqual(['output', '']);
  });

  test('misses no ring that comes while it looks', async () => {
    const record = source('running');
    const get = async () => {
      const run = await record.get();
      record.become('done');
      record.ring('done');
      return run;
    };
    expect(await waitForRun({ ...record, get }, 'r', ended, { timeoutMs: LONG })).toEqual({ state: 'done' });
    expect(record.looks()).toBe(2);
  });

  test('answers the record as it is when the time is up, or was from the beginning', async () => {
    const record = source('running');
    expect(await waitForRun(record, 'r', ended, { timeoutMs: 20 })).toEqual({ state: 'running' });
    expect(await waitForRun(record, 'r', ended, { timeoutMs: 0 })).toEqual({ state: 'running' });
  });

  test('is given up at an abort, also at one from before', async () => {
    const record = source('running');
    const giving = new AbortController();
    const waiting = waitForRun(record, 'r', ended, { timeoutMs: LONG, signal: giving.signal });
    await settled();
    giving.abort();
    expect(await waiting).toEqual({ state: 'running' });
    expect(await waitForRun(record, 'r', ended, { timeoutMs: LONG, signal: giving.signal })).toEqual({
      state: 'running',
    });
    expect(record.listening()).toBe(false);
  });

  test('rides out what is shorter than its time', async () => {
    const record = source('done');
    let away = 2;
    const get = () => {
      away -= 1;
      return away >= 0 ? Promise.reject(new Error('Connection is closed.')) : record.get();
    };
    expect(await waitForRun({ ...record, get }, 'r', ended, { timeoutMs: LONG })).toEqual({ state: 'done' });
  });

  test('stops listening when the record cannot be read within its time, or for a reason that does not pass', async () => {
    const record = source('running');
    const closed = () => Promise.reject(new Error('Connection is closed.'));
    await expect(waitForRun({ ...record, get: closed }, 'r', ended, { timeoutMs: 20 })).rejects.toThrow('closed');
    const wrong = () => Promise.reject(new Error('WRONGTYPE'));
    await expect(waitForRun({ ...record, get: wrong }, 'r', ended, { timeoutMs: LONG })).rejects.toThrow('WRONGTYPE');
    expect(record.listening()).toBe(false);
  });
});

describe('a waker', () => {
  test('remembers one wake-up that came while nobody waited', async () => {
    const waker = createWaker();
    waker.wake();
    waker.wake();
    await waker.next(LONG);
    let second = false;
    const next = waker.next(LONG).then(() => {
      second = true;
    });
    await settled();
    expect(second).toBe(false);
    waker.wake();
    await next;
  });

  test('wakes by itself after the time', async () => {
    const begun = performance.now();
    await createWaker().next(30);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(29);
  });
});
