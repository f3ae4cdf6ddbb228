import { describe, expect, test } from 'vitest';
import { callTool } from '../../../src/mcp/call.js';
import { bringMessage } from '../../../src/mcp/door/message.js';
import type { ToolContext } from '../../../src/mcp/tool.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import { LOCAL } from '../../../src/shared/principal.js';

/** What no argument of ours is, or few are. */
const VALUES: readonly unknown[] = [
  ...[
    {},
    { a: 1 },
    { a: { b: [] } },
    [],
    [1],
    [{}],
    [[1]],
    ['x'],
    '',
    'x',
    '-x',
    'a\u0007b',
    'é'.repeat(300),
    '[1',
    '{}',
  ],
  ...[-1, 0, 1.5, 1e300, true, false, 'true', 'NaN', '1e3', { command: 5 }, { AGENTPOOL_X: 'y' }, 'x'.repeat(300_000)],
];
/** Words of the validator, of JavaScript and of JSON Schema. */
const FOREIGN =
  /invalid input|invalid option|invalid string|expected |received|too (small|big)|record|pattern|regex|undefined|\[object|enum|zod|(?:^|[^:])>=|<=|invalid_|not what is expected/i;

const context = {
  pool: { runners: new Map([['claude', {}]]), ready: async () => {}, logger: { error() {}, info() {} } },
  principal: LOCAL,
  signal: new AbortController().signal,
  waitCapMs: 0,
} as unknown as ToolContext;

describe('what is wrong with an argument is said in our own words', () => {
  test.each(TOOLS.map((tool) => [tool.name, tool] as const))('by %s, whatever it is given', async (_, tool) => {
    // The arguments alone are tried: nothing is to be carried out.
    const checked = { ...tool, handle: async () => ({}) };
    const foreign: string[] = [];
    let refused = 0;
    for (const name of Object.keys(tool.input.shape))
      for (const value of VALUES) {
        const answer = await callTool(checked as typeof tool, { [name]: value }, context);
        if (answer.ok || answer.error.code === 'internal_error') continue;
        refused += 1;
        const { message, hint } = answer.error;
        // Without what was given, which may be anything.
        const said = message.replaceAll(/: it was .*?; /g, ': ; ').replaceAll(/"(\\.|[^"\\])*"/g, '""');
        if (FOREIGN.test(said) || hint === '')
          foreign.push(`${name} = ${JSON.stringify(value).slice(0, 40)}: ${message}`);
      }
    expect(foreign).toEqual([]);
    if (Object.keys(tool.input.shape).length > 0) expect(refused).toBeGreaterThan(3);
  });
});

describe('a message', () => {
  const params = (method: string, given: unknown) => {
    const brought = bringMessage({ jsonrpc: '2.0', id: 1, method, params: given });
    return 'refused' in brought ? brought.refused.error : brought.message.params;
  };

  test.each([
    [{ name: 'list_runs', arguments: null }, { name: 'list_runs' }],
    [{ name: 'list_runs', arguments: '' }, { name: 'list_runs' }],
    [
      { name: 'list_runs', arguments: '{"limit": 1}' },
      { name: 'list_runs', arguments: { limit: 1 } },
    ],
    [
      { name: 'list_runs', arguments: { limit: 1 }, _meta: {} },
      { name: 'list_runs', arguments: { limit: 1 }, _meta: {} },
    ],
  ])('that calls a tool with %j is taken', (given, brought) => {
    expect(params('tools/call', given)).toEqual(brought);
  });

  test('that asks for a prompt may have arguments that are no texts', () => {
    const given = { name: 'compare_agents', arguments: { task: 5, runners: ['a', 'b'], path: null } };
    expect(params('prompts/get', given)).toEqual({
      name: 'compare_agents',
      arguments: { task: '5', runners: '["a","b"]' },
    });
  });

  test.each([
    [
      'tools/call',
      { name: 'list_runs', arguments: 'x' },
      'arguments: it was "x"; must be an object with names and values',
    ],
    ['tools/call', { name: 'list_runs', arguments: [1] }, 'arguments: it was [1]; must be an object'],
    ['tools/call', { name: 'list_runs', arguments: 5 }, 'arguments: it was 5; must be an object'],
    ['tools/call', { arguments: {} }, 'name: it is missing; must be a text. Give the name of a tool: run_agent, '],
    ['tools/call', undefined, 'name: it is missing'],
    ['tools/call', [], 'name: it is missing'],
    ['prompts/get', { name: 5 }, 'name: it was 5; must be a text'],
    ['resources/read', {}, 'uri: it is missing; must be a text'],
    ['resources/subscribe', { uri: {} }, 'uri: it was {}; must be a text'],
    ['tasks/get', { taskId: 5 }, 'taskId: it was 5; must be a text. The id of a task is the runId of its run.'],
    ['tasks/cancel', {}, 'taskId: it is missing'],
  ])('of %s with %j is refused in our words', (method, given, words) => {
    expect(params(method, given)).toMatchObject({ code: -32_602, message: expect.stringContaining(words) });
  });

  test.each([
    [{ jsonrpc: '2.0', method: 'notifications/initialized' }],
    [{ jsonrpc: '2.0', id: 1, result: {} }],
    [{ jsonrpc: '2.0', id: 1, method: 'tools/list' }],
    ['x'],
    [null],
    [[1]],
  ])('is left alone otherwise: %j', (message) => {
    expect(bringMessage(message)).toEqual({ message });
  });
});
