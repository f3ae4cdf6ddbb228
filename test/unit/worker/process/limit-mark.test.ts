import { expect, test } from 'vitest';
import { hasLimitMark, limitMark } from '../../../../src/worker/process/limit-mark.js';

const limits = (bytes: bigint | string) =>
  `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max resident set          ${bytes}    unlimited            bytes     
Max processes             96000                96000                processes 
`;

test('the mark of a run is found again, and no other one', () => {
  const mark = limitMark('r1');
  expect(hasLimitMark(limits(mark * 1024n), mark)).toBe(true);
  expect(hasLimitMark(limits(limitMark('r2') * 1024n), mark)).toBe(false);
  expect(hasLimitMark(limits('unlimited'), mark)).toBe(false);
  expect(hasLimitMark('', mark)).toBe(false);
});

test('a mark limits nothing, and fits what the kernel keeps', () => {
  const marks = Array.from({ length: 1_000 }, (_, at) => limitMark(`r${at}`));
  expect(new Set(marks).size).toBe(1_000);
  for (const mark of marks) expect(mark * 1024n > 2n ** 53n && mark * 1024n < 2n ** 63n).toBe(true);
});
