import { describe, expect, test } from 'vitest';
import { FAILURE_KINDS } from '../../../../src/shared/run.js';
import { refusalOf, type Tried } from '../../../../src/worker/run/attempts.js';

const failure = { kind: 'auth', message: 'API Error: 401' } as const;
const refused: Tried = {
  ending: { state: 'failed', failure },
  endedBy: undefined,
  worked: false,
  attempt: 1,
  attempts: 2,
};

describe('the next values are tried', () => {
  test('when the provider refused these before any work, and says why', () => {
    expect(refusalOf(refused)).toEqual(failure);
  });

  test('when we ended the program because it could not succeed any more', () => {
    expect(refusalOf({ ...refused, endedBy: 'hopeless' })).toEqual(failure);
  });

  test('after auth and rate_limit only', () => {
    const tried = FAILURE_KINDS.filter((kind) =>
      refusalOf({ ...refused, ending: { state: 'failed', failure: { kind, message: '' } } }),
    );
    expect(tried).toEqual(['auth', 'rate_limit']);
  });

  test.each<[string, Partial<Tried>]>([
    ['there was work', { worked: true }],
    ['nobody can tell whether there was work', { worked: undefined }],
    ['there is a result', { ending: { state: 'failed', failure, result: 'x' } }],
    ['these were the last', { attempt: 2 }],
    ['there are no others', { attempts: 1 }],
    ['somebody wants its end', { endedBy: 'kill' }],
    ['its time is up', { endedBy: 'time_limit' }],
    ['it was silent for too long', { endedBy: 'silence_limit' }],
    ['the disk is full', { endedBy: 'spool_quota' }],
    ['it went well', { ending: { state: 'done' } }],
  ])('not when %s', (_, difference) => {
    expect(refusalOf({ ...refused, ...difference })).toBeUndefined();
  });
});
