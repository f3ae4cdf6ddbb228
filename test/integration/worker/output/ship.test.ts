import fs, { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import type { Chunk } from '../../../../src/shared/run-store/ownership.js';
import { startShipping } from '../../../../src/worker/output/ship.js';
import { createSpool } from '../../../../src/worker/spool/spool.js';
import type { SpoolMeta } from '../../../../src/worker/spool/spool-meta.js';
import { breakAtPoints, judgedBy } from '../../../support/fault-points.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = mkdtempSync(join(tmpdir(), 'ap-ship-'));
const restore = breakAtPoints(fs, 'EMFILE', /^fstatSync$/);
afterAll(() => {
  restore();
  removeDirectory(root);
});

test('output that is on its way when the spool cannot be read for a moment is waited for', async () => {
  const spool = createSpool(root, { runId: 'r-ship' } as SpoolMeta, { stdin: '' });
  writeFileSync(spool.stdout, 'two\n');
  const stream: Buffer[] = [];
  let out = 0;
  let sends = 0;
  let failed = false;
  /** Redis is slow: it takes what is sent long after the spool can be read again. */
  const append = async (chunks: readonly Chunk[]) => {
    sends += 1;
    await pause(1_000);
    for (const { bytes } of chunks) stream.push(bytes);
    out = Buffer.concat(stream).length;
    return { code: 1, out, err: 0 };
  };
  const logger = openLogger('test', 'fatal');
  const shipping = startShipping({ spool, from: { out: 0, err: 0 }, append, mostKept: 1_000, onFenced() {}, logger });
  // The first look after something was sent fails.
  await judgedBy(
    () => {
      const fails = sends === 1 && !failed;
      failed ||= fails;
      return fails ? 'throw' : 'pass';
    },
    () => shipping.drain(),
  );
  expect(failed).toBe(true);
  expect({ ...shipping.shipped(), text: Buffer.concat(stream).toString() }).toEqual({ out: 4, err: 0, text: 'two\n' });
  shipping.stop();
});
