import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { oneMcp, onePlace } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { MAIN } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_LOG_LEVEL: 'trace' });
const mcp = oneMcp(place);

test('a worker whose log is on a full disk loses no output, and none of its runs', async () => {
  const full = openSync('/dev/full', 'w');
  const worker = spawn(process.execPath, [MAIN, 'worker', '--json'], {
    cwd: place.work,
    env: place.env,
    stdio: ['ignore', 'pipe', full],
  });
  closeSync(full);
  await once(worker.stdout as NonNullable<typeof worker.stdout>, 'data');
  const { runId } = await mcp.call<{ runId: string }>('run_agent', {
    runner: 'scripted',
    prompt: steps({ print: 'one\n' }, { print: 'two\n' }),
  });
  expect(await mcp.call('wait_agent', { runId, timeoutMs: 30_000 })).toMatchObject({ status: 'done' });
  expect(await mcp.call('stream_agent_output', { runId })).toMatchObject({ output: 'one\ntwo\n' });
  expect(worker.exitCode).toBeNull();
  const gone = once(worker, 'exit');
  worker.kill('SIGTERM');
  await gone;
});
