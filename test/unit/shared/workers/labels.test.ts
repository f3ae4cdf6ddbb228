import { expect, test } from 'vitest';
import { canonical, ownLabels, unmet, WORKER_LABEL } from '../../../../src/shared/workers/labels.js';

const labels = ['os=linux', 'gpu', 'repo=web', 'repo=api'];

test.each([
  [[], []],
  [['gpu', 'os=linux', 'repo=api'], []],
  [['repo', 'os'], []],
  [
    ['gpu=a100', 'repo=shop', 'disk'],
    ['gpu=a100', 'repo=shop', 'disk'],
  ],
  [['gpu', 'tpu'], ['tpu']],
])('of %j a worker lacks %j', (required, missing) => {
  expect(unmet(required, labels)).toEqual(missing);
});

test('a worker of which no labels are known lacks everything', () => {
  expect(unmet(['os'])).toEqual(['os']);
});

test.each([
  [
    ['b', 'a', 'b'],
    ['a', 'b'],
  ],
  [['gpu', 'gpu=a100'], ['gpu=a100']],
  [
    ['repo=web', 'repo=api', 'repo'],
    ['repo=api', 'repo=web'],
  ],
])('%j is written as %j', (required, written) => {
  expect(canonical(required)).toEqual(written);
});

test.each(['gpu', 'repo=web', 'os=linux', 'a.b-c_d=1.2-3_4'])('%s is a label', (label) => {
  expect(label).toMatch(WORKER_LABEL);
});

// Nothing that the name of a queue, of a key in Redis or of a page's address gives a meaning to.
test.each(['', '1st', '=x', 'a=', 'a=b=c', 'a,b', 'a+b', 'a:b', 'a/b', 'a b', '{a}', `a${'b'.repeat(63)}`])(
  '%j is not a label',
  (label) => {
    expect(label).not.toMatch(WORKER_LABEL);
  },
);

test('what a worker knows of its machine is made of labels', () => {
  const own = ownLabels(process);
  expect(own).toHaveLength(2);
  for (const label of own) expect(label).toMatch(WORKER_LABEL);
});
