import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../../src/shared/errors.js';
import { startHealthEndpoint } from '../../../../src/worker/host/health-endpoint.js';

test('what is not a socket stays where it is, and nobody listens there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ap-health-'));
  const file = join(directory, 'secrets.env');
  writeFileSync(file, 'A_KEY=1\n');
  mkdirSync(join(directory, 'folder'));
  const look = async () => ({ live: [], ready: [] });
  for (const path of [file, join(directory, 'folder')])
    await expect(startHealthEndpoint({ path }, look)).rejects.toThrow(ConfigError);
  expect(readFileSync(file, 'utf8')).toBe('A_KEY=1\n');
  rmSync(directory, { recursive: true });
});
