import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makePlace, type Place } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

let place: Place;
let mcp: McpSession;
let worker: Started;
let program: string;

async function begin(env: Record<string, string>) {
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here', ...env });
  const bin = join(place.home, 'bin');
  mkdirSync(bin);
  program = join(bin, 'later');
  place.env.PATH = `${bin}:${place.env.PATH}`;
  writeFileSync(
    String(place.env.AGENTPOOL_CONFIG),
    JSON.stringify({ runners: { later: { command: 'later', versionArgs: ['--version'], install: 'install later' } } }),
  );
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
}
afterEach(async () => {
  await mcp.close();
  await worker.end('SIGKILL');
  place.clean();
});

const install = (says: string) =>
  writeFileSync(program, `#!/bin/sh\n[ "$1" = --version ] && echo 1.2.3 && exit\ncat >/dev/null; echo ${says}\n`, {
    mode: 0o755,
  });
const submit = () => mcp.call<Facts & { runId: string }>('run_agent', { runner: 'later', prompt: 'go' });
const offered = async () => {
  const { workers } = await mcp.call<{ workers: { runners: { name: string; version?: string }[] }[] }>(
    'pool_status',
    {},
  );
  return workers[0]?.runners.find(({ name }) => name === 'later');
};

test('a run whose program is installed after it was queued is started without anybody doing anything', async () => {
  await begin({ AGENTPOOL_LOOK_FOR_RUNNERS_MS: '300' });
  expect(await offered()).toBeUndefined();
  const { runId } = await submit();
  install('installed');
  const ended = await mcp.call('wait_agent', { runId, timeoutMs: 30_000 });
  expect(ended).toMatchObject({ status: 'done', result: 'installed' });
  expect(await eventually(offered, (seen) => seen?.version !== undefined)).toMatchObject({ version: '1.2.3' });
});

test('a program that was removed is not offered any more, and its runs wait until it is back', async () => {
  await begin({ AGENTPOOL_LOOK_FOR_RUNNERS_MS: '300' });
  install('first');
  await eventually(offered);
  rmSync(program);
  // At once, before anybody has noticed: no run fails because of it.
  const { runId } = await submit();
  await eventually(offered, (seen) => seen === undefined);
  expect(await mcp.call('get_agent_status', { runId })).toMatchObject({ status: 'queued' });
  install('second');
  const ended = await mcp.call('wait_agent', { runId, timeoutMs: 30_000 });
  expect(ended).toMatchObject({ status: 'done', result: 'second' });
});

test('agentpool reload has it looked for at once', async () => {
  await begin({ AGENTPOOL_LOOK_FOR_RUNNERS_MS: '3600000' });
  install('now');
  expect(await offered()).toBeUndefined();
  const { code, stdout } = await agentpool(place, ['reload']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^here: .*\blater\b/)]);
  expect(await offered()).toBeDefined();
  const { runId } = await submit();
  expect(await mcp.call('wait_agent', { runId, timeoutMs: 30_000 })).toMatchObject({ status: 'done', result: 'now' });
});

test('agentpool reload says that no worker is there', async () => {
  await begin({});
  await worker.end();
  const { code, stdout } = await agentpool(place, ['reload']);
  expect([code, stdout]).toEqual([69, 'no worker is alive; start one: agentpool up --detach\n']);
});
