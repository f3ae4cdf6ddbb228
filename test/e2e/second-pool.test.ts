import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, eventually, MAIN, startAgentpool } from '../support/processes.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

/** A user of a machine without any Redis but private ones, and the pools of other AGENTPOOL_HOMEs of that user. */
function makeUser() {
  const place = makePlace();
  cleanUp.push(async () => place.clean());
  const { REDIS_URL: _, AGENTPOOL_HOME: __, ...env } = place.env;
  const of = (home?: string): Place => ({
    ...place,
    env: { ...env, AGENTPOOL_PORT: '0', ...(home !== undefined && { AGENTPOOL_HOME: home }) },
  });
  const usual = join(env.HOME ?? '', '.local', 'state', 'agentpool');
  return { first: { ...of(place.home), home: place.home }, second: { ...of(), home: usual } };
}

async function openClient({ env, work: cwd }: Place) {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd, env }));
  cleanUp.push(() => client.close());
  const warnings = async () =>
    ((await client.callTool({ name: 'list_runs', arguments: {} })).structuredContent as { warnings?: string[] })
      .warnings;
  return { instructions: client.getInstructions() ?? '', warnings };
}

it('a second pool on one machine is said by up, by mcp and by doctor, and no other', async () => {
  const { first, second } = makeUser();
  const up = await startAgentpool(first, ['up', '--json']);
  cleanUp.push(() => up.end());
  const { url } = JSON.parse(up.line) as { url: string };
  expect(up.log()).not.toContain('another one');
  const own = await openClient(first);
  expect(own.instructions).not.toContain('another one');
  expect(await own.warnings()).toBeUndefined();

  // A client hands on nothing of the environment that says where the pool is.
  cleanUp.push(() => agentpool(second, ['down']));
  const lost = await openClient(second);
  const other = `AGENTPOOL_HOME=${first.home} (${url})`;
  expect(lost.instructions).toContain(other);
  expect(await lost.warnings()).toEqual([expect.stringContaining(other)]);
  expect(await lost.warnings()).toBeUndefined();

  const seen = await agentpool(first, ['doctor', '--json']);
  const finding = (JSON.parse(seen.stdout) as { what: string; found: string }[]).find(
    ({ what }) => what === 'Other pool',
  );
  expect(finding).toMatchObject({
    ok: true,
    note: true,
    found: expect.stringContaining(`AGENTPOOL_HOME=${second.home}`),
  });
  expect((await agentpool(first, ['up', '--detach'])).stderr).toContain(`AGENTPOOL_HOME=${second.home}`);

  await agentpool(second, ['down']);
  const alone = async () => (await agentpool(first, ['doctor', '--json'])).stdout;
  await eventually(alone, (found) => !found.includes('Other pool'));
});

it('the lines that up prints name AGENTPOOL_HOME where clients would not find it by themselves', async () => {
  const { first, second } = makeUser();
  const lines = async (place: Place) => {
    cleanUp.push(() => agentpool(place, ['down']));
    return (await agentpool(place, ['up', '--detach'])).stdout;
  };
  const named = await lines(first);
  expect(named).toContain(`claude mcp add agentpool -e AGENTPOOL_HOME=${first.home} -- `);
  expect(named).toContain(`codex mcp add agentpool --env AGENTPOOL_HOME=${first.home} -- `);
  expect(named.split(`"env":{"AGENTPOOL_HOME":"${first.home}"}`)).toHaveLength(3);
  expect(await lines(second)).not.toContain('AGENTPOOL_HOME');
  // What says where the usual place is, is not handed on either.
  const state = join(second.env.HOME ?? '', 'state');
  const elsewhere = { ...second, env: { ...second.env, XDG_STATE_HOME: state } };
  const { stdout } = await agentpool(elsewhere, ['connect', 'cursor']);
  expect(JSON.parse(stdout).mcpServers.agentpool.env).toEqual({ AGENTPOOL_HOME: join(state, 'agentpool') });
});
