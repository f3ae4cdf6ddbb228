import { describe, expect, test } from 'vitest';
import { outputUri, viewOf } from '../../../src/client/run-view.js';
import { runShape } from '../../../src/mcp/shapes/run-shape.js';
import type { Run } from '../../../src/shared/run.js';

const QUEUED: Run = {
  id: 'r1',
  principal: 'ann',
  runner: 'demo',
  agentName: 'greeter',
  state: 'queued',
  queue: 'runs.demo',
  epoch: 0,
  promptBytes: 5,
  queuedAt: 0,
  outBytes: 0,
  errBytes: 0,
  lines: 0,
  droppedBytes: 0,
};

describe('what callers see of a run', () => {
  test('has what is known, and the times also as a person reads them', () => {
    expect(viewOf(QUEUED)).toEqual({
      runId: 'r1',
      principal: 'ann',
      runner: 'demo',
      agentName: 'greeter',
      status: 'queued',
      queuedAt: 0,
      queuedAtIso: '1970-01-01T00:00:00.000Z',
      outputBytes: 0,
      droppedBytes: 0,
    });
  });

  test('keeps what is zero, and counts all output together', () => {
    const view = viewOf({ ...QUEUED, state: 'done', exitCode: 0, outBytes: 3, errBytes: 4, startedAt: 0, endedAt: 1 });
    expect(view).toMatchObject({ exitCode: 0, outputBytes: 7, startedAt: 0, endedAtIso: '1970-01-01T00:00:00.001Z' });
  });

  test('is what the tools promise', () => {
    const kill = { requestedAt: 5, signal: 'TERM' as const, graceMs: 1, reason: 'r' };
    const view = viewOf({
      ...QUEUED,
      state: 'failed',
      failure: { kind: 'lost', message: 'm' },
      usage: { costUsd: 1 },
      kill,
    });
    expect(runShape.strict().parse(view)).toEqual(view);
    expect(view.killRequestedAt).toBe(5);
  });

  test('names where its output can be read', () => {
    expect(outputUri('r1')).toBe('agent://runs/r1/output');
  });
});
