import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { describeTools } from '../../src/mcp/surface.js';
import { onePlace } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, openMcp, startAgentpool } from '../support/processes.js';
import { removeDirectory } from '../support/remove-directory.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const place = onePlace();
const alone = mkdtempSync(join(tmpdir(), 'ap-bundle-'));
afterEach(() => removeDirectory(alone));

test('the command line has in it all that it loads: it runs where there is no package at all', async () => {
  for (const name of ['dist', 'package.json']) cpSync(join(ROOT, name), join(alone, name), { recursive: true });
  const main = join(alone, 'dist/cli/main.js');
  const worker = await startAgentpool(place, ['worker', '--json'], main);
  const run = await agentpool(place, ['run', 'scripted', '--raw', steps({ print: 'of the bundle\n' })], '', main);
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('of the bundle') });
  await worker.end();
});

test('the tools that are described when it is built are those of the source', async () => {
  const { client, close } = await openMcp(place);
  const { tools } = await client.listTools();
  expect(tools).toMatchObject(JSON.parse(JSON.stringify(describeTools(false))));
  await close();
});
