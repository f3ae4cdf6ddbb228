import { describe, expect, test } from 'vitest';
import type { RunRequest } from '../../../../src/shared/run.js';
import { RUN_STATES } from '../../../../src/shared/run-state.js';
import { fieldsOfRequest, runFromFields, runOfRequest } from '../../../../src/shared/run-store/record.js';

const asHash = (flat: readonly string[]) =>
  Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));

/** What the script of the creation adds by itself. */
const CREATED = { state: 'queued', epoch: '0', out: '0', err: '0', outDropped: '0', errDropped: '0', queuedAt: '1000' };

function created(request: RunRequest) {
  return runFromFields({ ...CREATED, ...asHash(fieldsOfRequest('r1', 'runs.demo', request)) });
}

const ORDER: RunRequest = { runner: 'demo', agentName: 'greeter', prompt: 'größe' };
const FRESH = {
  id: 'r1',
  principal: 'local',
  queue: 'runs.demo',
  runner: 'demo',
  agentName: 'greeter',
  state: 'queued',
  epoch: 0,
  promptBytes: 7,
  queuedAt: 1000,
  outBytes: 0,
  errBytes: 0,
  lines: 0,
  droppedBytes: 0,
};

describe('the record of a new run', () => {
  test('has what was ordered and no more', () => {
    expect(created(ORDER)).toEqual(FRESH);
  });

  test('belongs to whoever ordered it', () => {
    expect(created({ ...ORDER, principal: 'ann' })).toEqual({ ...FRESH, principal: 'ann' });
  });

  test('has what was chosen, and knows that it resumes a session', () => {
    const chosen = { sessionId: 's1', mode: 'quick', model: 'opus', path: '/work' };
    expect(created({ ...ORDER, ...chosen })).toEqual({ ...FRESH, ...chosen, resumes: chosen.sessionId });
  });

  const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'x=y' };
  const setup = { systemPrompt: 's', fallbacks: { KEY: ['KEY_1', 'KEY_2'], OTHER: ['OTHER_1'] } };
  const whole = { sessionId: 's1', mode: 'quick', model: 'opus', path: '/work', principal: 'ann', labels: { a: 'b' } };
  test.each([
    ['the least', 'runs.demo', ORDER, undefined],
    ['empty labels', 'runs.demo', { ...ORDER, labels: {} }, undefined],
    ['everything', 'runs@h+arm,gpu', { ...ORDER, ...whole, host: 'h', requires: ['arm', 'gpu'], setup }, trace],
  ] as const)('is known without being read, with %s', (_, queue, request, trace) => {
    const flat = [...fieldsOfRequest('r1', queue, request), ...Object.entries(trace ?? {}).flat()];
    const read = runFromFields({ ...CREATED, ...asHash(flat) });
    expect(runOfRequest('r1', queue, request, 1_000, trace)).toStrictEqual(read);
  });

  test('never holds the prompt', () => {
    expect(fieldsOfRequest('r1', 'runs.demo', ORDER).join()).not.toContain('größe');
  });

  test('is flat text in pairs, without fields that are not set', () => {
    const flat = fieldsOfRequest('r1', 'runs.demo', { ...ORDER, timeoutMs: 5, priority: 1, host: 'h' });
    expect(flat.length % 2).toBe(0);
    expect(flat.every((text) => typeof text === 'string')).toBe(true);
    expect(flat).not.toContain('undefined');
  });
});

describe('a record', () => {
  const hash = { ...CREATED, ...asHash(fieldsOfRequest('r1', 'runs.demo', ORDER)) };

  test('gives back everything that is learned of a run', () => {
    const failure = { kind: 'exit', message: 'it exited with 3: "no"' };
    const usage = { inputTokens: 1, costUsd: 0.25 };
    const run = runFromFields({
      ...hash,
      state: 'failed',
      epoch: '3',
      host: 'h',
      worker: 'h-1',
      pid: '77',
      exitCode: '0',
      failure: JSON.stringify(failure),
      usage: JSON.stringify(usage),
      claimedAt: '1001',
      startedAt: '1002',
      lastOutputAt: '1003',
      endedAt: '1004',
      out: '10',
      err: '20',
      outDropped: '3',
      errDropped: '4',
    });
    expect(run).toEqual({
      ...FRESH,
      state: 'failed',
      epoch: 3,
      host: 'h',
      worker: 'h-1',
      pid: 77,
      exitCode: 0,
      failure,
      usage,
      claimedAt: 1001,
      startedAt: 1002,
      lastOutputAt: 1003,
      endedAt: 1004,
      outBytes: 10,
      errBytes: 20,
      droppedBytes: 7,
    });
  });

  test('with a wish to kill has it whole, the reason only if there is one', () => {
    const wish = { killRequestedAt: '5', killSignal: 'INT', killGraceMs: '0' };
    expect(runFromFields({ ...hash, ...wish })?.kill).toEqual({ requestedAt: 5, signal: 'INT', graceMs: 0 });
    expect(runFromFields({ ...hash, ...wish, killReason: 'wrong branch' })?.kill).toEqual({
      requestedAt: 5,
      signal: 'INT',
      graceMs: 0,
      reason: 'wrong branch',
    });
    expect(runFromFields({ ...hash, killSignal: 'INT' })?.kill).toBeUndefined();
  });

  test.each(RUN_STATES)('in the state %s is read', (state) => {
    expect(runFromFields({ ...hash, state })?.state).toBe(state);
  });

  test('in a state that nobody knows is a failure that names it', () => {
    expect(() => runFromFields({ ...hash, state: 'paused' })).toThrow(
      'the record of a run has the unknown state paused',
    );
  });

  test('that is missing, or of which only a part is left, is not a run', () => {
    expect(runFromFields({})).toBeUndefined();
    for (const name of ['id', 'runner', 'agentName', 'queue'])
      expect(runFromFields(Object.fromEntries(Object.entries(hash).filter(([key]) => key !== name)))).toBeUndefined();
  });
});
