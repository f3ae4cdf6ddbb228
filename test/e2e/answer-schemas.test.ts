import { beforeAll, expect, test } from 'vitest';
import { oneMcp, onePlace } from '../support/beginnings.js';

const place = onePlace();
const mcp = oneMcp(place);

beforeAll(async () => {
  await mcp.client.listTools(); // from now on the client holds every answer against the schema of its tool
});

test('a client that checks answers against the output schemas gets errors with their code and hint', async () => {
  await expect(mcp.call('get_agent_status', { runId: 'nobody' })).rejects.toMatchObject({
    code: 'unknown_run',
    message: 'there is no run nobody',
    hint: expect.stringContaining('list_runs'),
  });
});

test('a client that checks answers against the output schemas gets the answers themselves', async () => {
  const submitted = await mcp.call('run_agent', { runner: 'demo', prompt: 'wait here' });
  const which = { runId: submitted.runId };
  await expect(mcp.call('get_agent_status', which)).resolves.toMatchObject({ status: 'queued' });
  await expect(mcp.call('stream_agent_output', which)).resolves.toMatchObject({ isComplete: false });
  await expect(mcp.call('wait_agent', { ...which, timeoutMs: 0 })).resolves.toMatchObject({ timedOut: true });
  await expect(mcp.call('list_runs', { stats: true })).resolves.toMatchObject({ runs: [{ status: 'queued' }] });
  await expect(mcp.call('pool_status', {})).resolves.toMatchObject({ workers: [] });
  await expect(mcp.call('kill_agent', which)).resolves.toMatchObject({ status: 'killed', killed: true });
});
