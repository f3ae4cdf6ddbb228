import { spawnSync } from 'node:child_process';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { getEncoding } from 'js-tiktoken';
import { describe, expect, test } from 'vitest';
import { bringArguments } from '../../../src/mcp/door/arguments.js';
import { describeTools } from '../../../src/mcp/surface.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import { grammarOf, refusedByGemini, refusedByOpenAi } from '../../support/schema-dialects.js';

const tools = describeTools(false);
const inputs = tools.map(({ name, inputSchema }) => [name, inputSchema] as const);
const schemas = tools.flatMap(({ name, inputSchema, outputSchema }) => [
  [`arguments of ${name}`, inputSchema] as const,
  [`answer of ${name}`, outputSchema] as const,
]);

/** Calls with every argument that is told, written as the schemas say. */
const RUN = {
  runner: 'claude',
  prompt: 'x',
  agentName: 'a',
  sessionId: 's',
  autoResume: false,
  mode: 'm',
  path: '/w',
  model: 'm',
  timeoutMs: 1_000,
  silenceTimeoutMs: 0,
  priority: 0,
  delayMs: 0,
  host: 'h',
  labels: '{"a": "b"}',
  requires: ['gpu', 'repo=web'],
  clientToken: 't',
};
const WHICH = { runId: 'r1', agentName: 'a', runner: 'claude' };
const PROFILE = {
  name: 'a',
  runner: 'claude',
  prompt: 'x',
  description: 'd',
  model: 'm',
  mode: 'm',
  path: '/w',
  timeoutMs: 1_000,
  silenceTimeoutMs: 0,
  env: '{"A": "$B"}',
  mcpServers: '{"s": {"command": "c", "args": ["x"], "env": {"A": "$B"}}, "t": {"url": "https://t.example"}}',
  fallbacks: '{"A": ["$C"]}',
  requires: ['gpu'],
  labels: '{"a": "b"}',
};
const CALLS: Readonly<Record<string, object>> = {
  run_agent: RUN,
  run_agents_parallel: { agents: [{ taskId: 't', ...RUN }], waitAll: true, timeoutMs: 0 },
  get_agent_status: { ...WHICH, tailBytes: 0 },
  stream_agent_output: {
    ...WHICH,
    sinceTimestamp: 0,
    cursor: 'c',
    tail: 1,
    tailBytes: 1,
    view: 'raw',
    stream: 'both',
    maxBytes: 1,
    ansi: false,
    encoding: 'utf8',
    waitMs: 0,
  },
  wait_agent: { ...WHICH, runIds: ['r1'], mode: 'all', timeoutMs: 0 },
  kill_agent: { ...WHICH, signal: 'TERM', graceMs: 0, reason: 'r' },
  list_runs: {
    agentName: 'a',
    runner: 'r',
    status: 'done',
    host: 'h',
    labels: 'a=b',
    since: 0,
    limit: 1,
    cursor: 'c',
    stats: true,
  },
  pool_status: {},
  create_agent: PROFILE,
  list_agents: { runner: 'r', labels: 'a=b' },
  get_agent_configs: { name: 'a' },
  update_agent_config: { ...PROFILE, remove: ['model', 'env'], revision: 1 },
  delete_agent: { name: 'a' },
  config_example: { provider: 'anthropic', name: 'a' },
};

describe('the list of tools', () => {
  test('is small: 24 KB in all, and 14 KB and 3,600 tokens of what a model is shown', () => {
    const shown = JSON.stringify(
      tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
    );
    expect(JSON.stringify({ tools }).length).toBeLessThan(24_000);
    expect(shown.length).toBeLessThan(14_000);
    expect(getEncoding('o200k_base').encode(shown).length).toBeLessThan(3_600);
  });

  test.each(tools.map(({ name, description }) => [name, description]))(
    'says within 150 characters what %s is for',
    (_, words) => {
      expect(words.slice(0, 150)).toMatch(/^[A-Z][a-z]+s? .*\./);
    },
  );

  test('has Claude Code load the two tools that it needs from the first turn on', () => {
    const always = tools.filter(({ _meta }) => _meta?.['anthropic/alwaysLoad'] === true);
    expect(always.map(({ name }) => name)).toEqual(['run_agent', 'wait_agent']);
  });

  test('does not tell of arguments that are only taken for compatibility', () => {
    expect(JSON.stringify(tools)).not.toMatch(/"(config|silent)":/);
  });
});

describe('a call with every argument that is told', () => {
  test.each(inputs)('of %s is what its schema says, and is taken', (name, schema) => {
    const args = CALLS[name] ?? {};
    expect(Object.keys(args).sort()).toEqual(
      Object.keys((schema as unknown as { properties: object }).properties).sort(),
    );
    const fits = new Ajv2020({ strict: true }).compile(schema);
    expect([fits(args), fits.errors]).toEqual([true, null]);
    const tool = TOOLS.find((one) => one.name === name);
    if (!tool) throw new Error(`there is no tool ${name}`);
    const brought = bringArguments(tool, args, ['claude']);
    expect(brought.warnings).toEqual([]);
    expect(tool.input.safeParse(brought.args)).toMatchObject({ success: true });
  });

  test('can be held against the schemas by the library of the Python SDK', ({ skip }) => {
    const has = spawnSync('python3', ['-c', 'import jsonschema']).status === 0;
    if (!has)
      process.stdout.write('skipped: python3 with jsonschema is not installed (apt install python3-jsonschema)\n');
    skip(!has, 'python3 with jsonschema is not installed');
    const program = [
      'import json, sys, jsonschema',
      'given = json.load(sys.stdin)',
      'for schema in given["schemas"]: jsonschema.validators.validator_for(schema).check_schema(schema)',
      'for schema, value in given["calls"]: jsonschema.validate(value, schema)',
      'print(len(given["schemas"]), len(given["calls"]))',
    ].join('\n');
    const calls = inputs.map(([name, schema]) => [schema, CALLS[name]]);
    const input = JSON.stringify({ schemas: schemas.map(([, schema]) => schema), calls });
    const { stdout, stderr } = spawnSync('python3', ['-c', program], { input, encoding: 'utf8' });
    expect([stdout.trim(), stderr]).toEqual([`${2 * TOOLS.length} ${TOOLS.length}`, '']);
  });
});

describe('the schema of the', () => {
  test.each(schemas)('%s is one that ajv takes in its strict mode', (_, schema) => {
    expect(() => new Ajv2020({ strict: true, strictTypes: true, strictTuples: true }).compile(schema)).not.toThrow();
  });

  test.each(inputs)('arguments of %s is within what strict mode of OpenAI takes', (_, schema) => {
    expect(refusedByOpenAi(schema)).toEqual([]);
  });

  test.each(inputs)('arguments of %s is within what Gemini takes', (_, schema) => {
    expect(refusedByGemini(schema)).toEqual([]);
  });

  test.each(inputs)('arguments of %s can be made a grammar of', (_, schema) => {
    expect(grammarOf(schema)).toContain('root ::= "{"');
  });
});

test.each([
  { type: 'object', properties: { env: { type: 'object', additionalProperties: { type: 'string' } } } },
  { type: 'object', properties: { env: { type: 'object', propertyNames: { pattern: '^a' } } } },
  {
    type: 'object',
    properties: { path: { type: 'string', pattern: '^(?!-)\\P{Cc}{1,256}$', minLength: 1 } },
    $schema: 'x',
  },
  { type: 'object', properties: { model: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, allOf: [] },
])('each dialect refuses what is known to be refused: %j', (schema) => {
  expect(refusedByOpenAi(schema)).not.toEqual([]);
  expect(refusedByGemini(schema)).not.toEqual([]);
  expect(() => grammarOf(schema)).toThrow();
});
