import { expect, test } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import type { Findings } from '../../../../src/shared/runners/runner.js';
import { createReader } from '../../../../src/worker/output/findings.js';

test('what the turns of one program have taken adds up, each amount by itself', () => {
  const reader = createReader(
    { format: 'json-lines', read: (message) => message as Findings },
    () => {},
    openLogger('test', 'silent'),
  );
  const turns: Findings[] = [
    { usage: { inputTokens: 200, outputTokens: 20 } },
    { result: 'between' },
    { usage: { inputTokens: 100, costUsd: 0.5 } },
    { usage: { costUsd: 0.25 } },
  ];
  for (const turn of turns) reader.take(Buffer.from(`${JSON.stringify(turn)}\n`));
  expect(reader.finish()).toEqual({
    result: 'between',
    usage: { inputTokens: 300, outputTokens: 20, costUsd: 0.75 },
  });
});

test('a result that comes in pieces is put together, and begins anew with a whole one', () => {
  const reader = createReader(
    { format: 'json-lines', read: (message) => message as Findings },
    () => {},
    openLogger('test', 'silent'),
  );
  const pieces: Findings[] = [
    { resultPart: 'I will ' },
    { resultPart: 'look.' },
    { result: '' },
    { resultPart: 'It is ' },
    { sessionId: 's1' },
    { resultPart: 'done.' },
  ];
  for (const piece of pieces) reader.take(Buffer.from(`${JSON.stringify(piece)}\n`));
  expect(reader.finish()).toEqual({ sessionId: 's1', result: 'It is done.' });
});
