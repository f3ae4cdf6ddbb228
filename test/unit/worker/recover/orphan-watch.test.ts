import { expect, test } from 'vitest';
import { watchOrphans } from '../../../../src/worker/recover/orphan-watch.js';

test('while there are none it is asked seldom, and at once when some are expected, until there are none again', async () => {
  let own = 0;
  let orphans = 0;
  let questions = 0;
  const count = async () => {
    questions += 1;
    return orphans;
  };
  const watch = watchOrphans({ count }, 1_000, () => own);
  /** What is found at each of so many heartbeats, and how often Redis was asked for that. */
  const beats = async (many: number) => {
    const before = questions;
    const found: boolean[] = [];
    for (let beat = 0; beat < many; beat += 1) {
      own += 1_000;
      found.push(await watch.any());
    }
    return { found: found.filter(Boolean).length, asked: questions - before };
  };
  expect(await beats(1)).toEqual({ found: 0, asked: 1 });
  expect(await beats(12)).toEqual({ found: 0, asked: 2 });
  orphans = 1;
  expect(await beats(6)).toEqual({ found: 1, asked: 1 });
  expect(await beats(3)).toEqual({ found: 3, asked: 3 });
  orphans = 0;
  expect(await beats(3)).toEqual({ found: 0, asked: 1 });
  orphans = 1;
  watch.expect();
  expect(await beats(1)).toEqual({ found: 1, asked: 1 });
});
