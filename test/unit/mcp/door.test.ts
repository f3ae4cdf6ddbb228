import { describe, expect, test } from 'vitest';
import { bringArguments } from '../../../src/mcp/door/arguments.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import { UserError } from '../../../src/shared/errors.js';
import { RUNNERS } from '../../../src/shared/runners/list.js';

const runners = RUNNERS.map(({ name }) => name);

function bring(name: string, given: unknown) {
  const tool = TOOLS.find((one) => one.name === name);
  if (!tool) throw new Error(`there is no tool ${name}`);
  return bringArguments(tool, given, runners);
}

const RUN = 'r0123456789abcdefghj';
const ISO = '2026-01-31T12:00:00Z';
const AT = Date.parse(ISO);

/** Tool, what was sent, what it meant. */
const TAKEN: [string, unknown, unknown][] = [
  ['pool_status', null, {}],
  ['pool_status', undefined, {}],
  ['pool_status', '{}', {}],
  ['list_runs', { agentName: null, status: null, nonsense: null }, {}],
  ['list_runs', { limit: '5', stats: 'true', status: 'Done' }, { limit: 5, stats: true, status: 'done' }],
  ['list_runs', { stats: 'False', runner: '' }, { stats: false }],
  ['list_runs', { since: ISO }, { since: AT }],
  ['list_runs', { since: String(AT), state: 'queued' }, { since: AT, status: 'queued' }],
  ['run_agent', { runner: 'Claude', prompt: 'x' }, { runner: 'claude', prompt: 'x' }],
  ['run_agent', { runner: 'claude-code', prompt: 'x' }, { runner: 'claude', prompt: 'x' }],
  ['run_agent', { runner: '"Claude Code"', prompt: 'x' }, { runner: 'claude', prompt: 'x' }],
  ['run_agent', { runner: 'gemini-cli', prompt: 'x' }, { runner: 'gemini', prompt: 'x' }],
  ['run_agent', { runner: 'qwen', prompt: 'x' }, { runner: 'qwencli', prompt: 'x' }],
  ['run_agent', { runner: 'clod', prompt: 'x' }, { runner: 'clod', prompt: 'x' }],
  ['run_agent', { runner: 'demo', task: 'x', cwd: '/w' }, { runner: 'demo', prompt: 'x', path: '/w' }],
  ['run_agent', { prompt: 'x', agent: 'greeter' }, { prompt: 'x', agentName: 'greeter' }],
  ['run_agent', { prompt: 'x', agent_name: 'a', session_id: ' s\n' }, { prompt: 'x', agentName: 'a', sessionId: 's' }],
  ['run_agent', { prompt: ' x\n', sessionId: '' }, { prompt: ' x\n' }],
  ['run_agent', { prompt: 'x', timeoutMs: '5m' }, { prompt: 'x', timeoutMs: 300_000 }],
  ['run_agent', { prompt: 'x', timeout: '90s' }, { prompt: 'x', timeoutMs: 90_000 }],
  ['run_agent', { prompt: 'x', timeout_seconds: 300 }, { prompt: 'x', timeoutMs: 300_000 }],
  ['run_agent', { prompt: 'x', task: 'x' }, { prompt: 'x' }],
  ['get_agent_status', { runId: ` "${RUN}"\n` }, { runId: RUN }],
  ['get_agent_status', { run_id: `agent://runs/${RUN}/output?cursor=0-0_0_0` }, { runId: RUN }],
  ['get_agent_status', { id: RUN, agent: '' }, { runId: RUN }],
  ['stream_agent_output', { runId: RUN, sinceTimestamp: ISO }, { runId: RUN, sinceTimestamp: AT }],
  [
    'stream_agent_output',
    { runId: RUN, sinceTimestamp: 0, waitMs: '30s' },
    { runId: RUN, sinceTimestamp: 0, waitMs: 30_000 },
  ],
  ['kill_agent', { runId: RUN, signal: 'SIGTERM' }, { runId: RUN, signal: 'TERM' }],
  ['wait_agent', { runIds: `["${RUN}"]` }, { runIds: [RUN] }],
  ['wait_agent', { runIds: `${RUN}, r1` }, { runIds: [RUN, 'r1'] }],
  ['wait_agent', { ids: [`agent://runs/${RUN}`] }, { runIds: [RUN] }],
  [
    'run_agents_parallel',
    { agents: '[{"runner":"Demo","task":"x","timeoutMs":"2m"}]', waitAll: 'false' },
    { agents: [{ runner: 'demo', prompt: 'x', timeoutMs: 120_000 }], waitAll: false },
  ],
  ['create_agent', { name: 'a', env: '{"A":1}' }, { name: 'a', env: { A: '1' } }],
  ['list_runs', { labels: 'team=core' }, { labels: { team: 'core' } }],
  ['list_runs', { labels: ['team=core', 'a.b = c'] }, { labels: { team: 'core', 'a.b': 'c' } }],
  ['list_runs', { labels: 'team=core,area=docs' }, { labels: 'team=core,area=docs' }],
  ['update_agent_config', { name: 'a', model: null }, { name: 'a', model: null }],
];

/** Tool, what was sent, what the refusal says, and the right call. */
const REFUSED: [string, unknown, RegExp, RegExp][] = [
  ['list_runs', { since: 1_769_860_800 }, /^since: 1769860800 are seconds; it takes milliseconds/, /ISO 8601/],
  ['stream_agent_output', { sinceTimestamp: '1769860800' }, /milliseconds/, /ISO 8601/],
  ['stream_agent_output', { sinceTimestamp: 'yesterday' }, /"yesterday" is not a time/, /2026-01-31T/],
  ['run_agent', { prompt: 'x', timeout: 300 }, /^timeout: 300 may be seconds or milliseconds/, /timeoutMs: "300s"/],
  ['run_agent', { prompt: 'x', agent: 'claude' }, /^agent: "claude" may mean the runner/, /runner: "claude"/],
  ['run_agent', { prompt: 'x', resume: 'x' }, /sessionId or autoResume/, /sessionId/],
  ['run_agent', { promt: 'x' }, /no argument promt\. Did you mean prompt\?/, /./],
  ['run_agent', { prompt: 'x', task: 'y' }, /^prompt: it is given twice, also as task/, /once/],
  ['get_agent_status', { runId: RUN, tail: 20 }, /^tail: 20 may be lines or bytes/, /tailBytes/],
];

describe('what a client sends', () => {
  test.each(TAKEN)('to %s, %j, is taken as %j', (tool, given, meant) => {
    expect(bring(tool, given)).toEqual({ args: meant, warnings: [] });
  });

  test.each(REFUSED)('to %s, %j, is refused: %s', (tool, given, message, hint) => {
    const asking = () => bring(tool, given);
    expect(asking).toThrow(UserError);
    expect(asking).toThrow(message);
    try {
      asking();
    } catch (error) {
      expect((error as UserError).hint).toMatch(hint);
    }
  });

  test.each([7, 'words', [], '[1]', true])('%j, which are no arguments, is left to the schema', (given) => {
    expect(bring('run_agent', given)).toEqual({
      args: typeof given === 'string' && given.startsWith('[') ? [1] : given,
      warnings: [],
    });
  });

  test('and no tool knows is ignored, with its name', () => {
    const given = { prompt: 'x', toolCallId: 't', argv: ['-x'], constructor: 1, ['__proto__']: 2 };
    const { args, warnings } = bring('run_agent', given);
    expect(args).toEqual({ prompt: 'x' });
    expect(warnings).toEqual(
      ['toolCallId', 'argv', 'constructor', '__proto__'].map(
        (name) => `run_agent has no argument ${name}; it was ignored`,
      ),
    );
  });

  test('and no tool knows is named within bounds', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'x'.repeat(5_000)}${at}`, at]));
    const { warnings } = bring('pool_status', many);
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe('480 more arguments were ignored');
    expect(Math.max(...warnings.map(({ length }) => length))).toBeLessThan(120);
  });
});
