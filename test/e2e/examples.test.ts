import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { onePlace } from '../support/beginnings.js';
import { commandsOf } from '../support/commands-of-page.js';
import { agentpool, MAIN } from '../support/processes.js';

const commandsUnder = (heading: string) => commandsOf('docs/examples.md', heading);

const place = onePlace({ AGENTPOOL_PORT: '0', AGENTPOOL_ALLOWED_PATHS: '' });
const bin = join(place.work, 'bin');
mkdirSync(bin);
writeFileSync(join(bin, 'agentpool'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
chmodSync(join(bin, 'agentpool'), 0o755);
const env = { ...place.env, PATH: `${bin}:${place.env.PATH}:${process.env.PATH}` };
const shell = (commands: string, more: Readonly<Record<string, string>> = {}) =>
  spawnSync('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: place.work,
    env: { ...env, ...more },
    encoding: 'utf8',
    timeout: 90_000,
  });
afterAll(async () => void (await agentpool(place, ['down'])));

test('the job of CI has the answer of its agent, and leaves no pool behind', () => {
  const { status, stdout, stderr } = shell(commandsUnder('A CI job'), { RUNNER: 'demo' });
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  const { result } = JSON.parse(readFileSync(join(place.work, 'review.json'), 'utf8')) as { result: string };
  expect(result).not.toBe('');
  expect(stdout).toContain(result);
  expect(shell('agentpool workers').stdout).toMatch(/No worker is there/);
}, 120_000);

/** A port that nobody listens to just now: the example asks for the address that it has set. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

test('the server for a team answers whoever has the token', async () => {
  const { status, stdout, stderr } = shell(
    `${commandsUnder('A server for a team')}\ncurl --silent -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$AGENTPOOL_PORT/mcp"`,
    { AGENTPOOL_PORT: await freePort() },
  );
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  expect(stdout).toMatch(/401$/);
}, 120_000);
