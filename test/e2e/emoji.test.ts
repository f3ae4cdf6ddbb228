import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePlace, steps } from '../support/pool.js';
import { type Facts, type McpSession, openMcp, type Started, startWorkerProcess } from '../support/processes.js';

/** Characters of four bytes, of three and of two, so that every cut by bytes or by UTF-16 units meets the inside of one. */
const EMOJI = '🐑👩‍🚀é漢🏳️‍🌈';
const place = makePlace();
let worker: Started;
let mcp: McpSession;
let ids: string[];

beforeAll(async () => {
  [worker, mcp] = await Promise.all([startWorkerProcess(place), openMcp(place)]);
  const shift = (at: number) => 'x'.repeat(at % 4);
  const line = (at: number) => `${shift(at)}${EMOJI.repeat(at)}\n`;
  const text = Array.from({ length: 30 }, (_, at) => line(at)).join('');
  const ndjson = (value: Facts) => `${JSON.stringify(value)}\n`;
  const asked = [
    { runner: 'plain-text', prompt: steps({ print: text }, { printError: line(9) }) },
    // One line that is longer than an entry of the stream, after a shift of one byte.
    { runner: 'plain-text', prompt: steps({ print: `x${EMOJI.repeat(2_000)}` }) },
    {
      runner: 'scripted',
      prompt: steps(
        { print: ndjson({ session_id: 's' }) },
        { print: text },
        { print: ndjson({ result: EMOJI.repeat(3_000) }) },
      ),
    },
    { runner: 'scripted', prompt: steps({ print: ndjson({ error: { message: `x${EMOJI.repeat(3_000)}` } }) }) },
    ...[0, 1, 2, 3].map((at) => ({
      runner: 'demo',
      mode: 'quick',
      prompt: `${shift(at)}${EMOJI.repeat(400)}`,
      labels: { words: `${shift(at)}${'🐑'.repeat(40)}` },
    })),
  ];
  const { agents } = await mcp.call<{ agents: { runId: string }[] }>('run_agents_parallel', { agents: asked });
  ids = agents.map(({ runId }) => runId);
  await mcp.call('create_agent', {
    name: 'sheep',
    runner: 'demo',
    prompt: EMOJI.repeat(50),
    description: EMOJI.repeat(40),
  });
}, 120_000);
afterAll(async () => {
  await mcp.close();
  await worker.end();
  place.clean();
});

/** Texts within an answer that are no whole characters: half of a pair, or what stands for bytes that make none. */
function broken(value: unknown, path = ''): string[] {
  if (typeof value === 'string')
    return value.isWellFormed() && !value.includes('\uFFFD') ? [] : [`${path}: ${JSON.stringify(value).slice(0, 80)}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => broken(one, `${path}.${name}`));
}

let withSheep = 0;
/** Every answer, whether it is one or a refusal. */
async function ask(tool: string, args: Facts): Promise<string[]> {
  const answer = await mcp.client.callTool({ name: tool, arguments: args });
  if (JSON.stringify(answer).includes('🐑')) withSheep += 1;
  const words = `${tool} ${JSON.stringify(args).slice(0, 120)}`;
  return broken({ ...(answer.structuredContent as Facts), content: answer.content }).map((one) => `${words} ${one}`);
}

it('no answer has half of a character, whatever the limit is', async () => {
  const found: string[] = [];
  const limits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 17, 31, 64, 100, 1_000];
  for (const runId of ids) {
    for (const most of limits) {
      found.push(...(await ask('get_agent_status', { runId, tailBytes: most })));
      for (const view of ['raw', 'transcript', 'events']) {
        found.push(...(await ask('stream_agent_output', { runId, view, maxBytes: most })));
        found.push(...(await ask('stream_agent_output', { runId, view, tailBytes: most })));
        found.push(...(await ask('stream_agent_output', { runId, view, tail: most % 7, maxBytes: most + 16 })));
      }
    }
    found.push(...(await ask('wait_agent', { runId })));
  }
  for (const [tool, args] of [
    ['wait_agent', { runIds: ids }],
    ['list_runs', { limit: 50 }],
    ['list_agents', {}],
    ['get_agent_configs', { name: 'sheep' }],
    ['pool_status', {}],
  ] as const)
    found.push(...(await ask(tool, args)));
  expect(found).toEqual([]);
  expect(withSheep).toBeGreaterThan(500);
});

it('no refusal has half of a character, wherever what was given is cut', async () => {
  const found: string[] = [];
  for (let shift = 0; shift < 8; shift += 1) {
    const words = `${'x'.repeat(shift)}${'🐑'.repeat(300)}`;
    for (const [tool, args] of [
      ['get_agent_status', { runId: words }],
      ['get_agent_status', { agentName: words }],
      ['list_runs', { [words]: 1 }],
      ['list_runs', { runner: words, agentName: 'sheep' }],
      ['list_runs', { since: words }],
      ['list_runs', { cursor: words }],
      ['stream_agent_output', { runId: ids[0], cursor: words }],
      ['run_agent', { runner: words, prompt: 'x' }],
      ['run_agent', { runner: 'demo', prompt: 'x', path: `/${words}` }],
      ['run_agent', { runner: 'demo', prompt: 'x', mode: words }],
      ['run_agent', { runner: 'demo', prompt: 'x', host: 'h', sessionId: words }],
      ['run_agent', { runner: 'demo', prompt: 'x', timeout: words }],
      ['config_example', { provider: words }],
      ['create_agent', { name: words, runner: words, prompt: words, model: words }],
      ['create_agent', { name: 'x', runner: 'demo', prompt: 'x', env: { [words]: words } }],
    ] as const)
      found.push(...(await ask(tool, args)));
  }
  expect(found).toEqual([]);
});
