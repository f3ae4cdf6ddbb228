import { expect, test } from 'vitest';
import { beginningOf } from '../../src/shared/plain-text.js';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import type { Facts } from '../support/processes.js';

const place = onePlace();
oneWorker(place);
const mcp = oneMcp(place);

const RUN = { runner: 'scripted', agentName: 'scribe', prompt: steps({ print: 'one\ntwo\nthree\n' }) };

/** A run that has ended, for the calls that are about one. */
async function endedRun(): Promise<{ runId: string }> {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', RUN);
  await mcp.call('wait_agent', { runId });
  return { runId };
}
let run: { runId: string } | undefined;

type Arguments = Facts | null | ((runId: string) => Facts);
/** The tool, what was sent, what it meant, and what happens: an answer with these members, or a refusal. */
type Mistake = [tool: string, sent: Arguments, meant: string, happens: object];

const refused = (message: RegExp, hint = /./) => ({
  refused: { code: 'invalid_argument', message: expect.stringMatching(message), hint: expect.stringMatching(hint) },
});
const done = { status: 'done' };
const queued = { runner: 'demo', status: expect.stringMatching(/queued|running/) };
const seconds = Math.floor(Date.now() / 1_000);

const nested = (levels: number): Facts => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

const MISTAKES: Mistake[] = [
  // What can be understood is taken.
  ['get_agent_status', (runId) => ({ runId: `"${runId}"` }), 'the id in quotes', done],
  ['get_agent_status', (runId) => ({ runId: ` ${runId}\n` }), 'the id with a line end', done],
  ['get_agent_status', (runId) => ({ runId: `agent://runs/${runId}` }), 'our own address of it', done],
  ['get_agent_status', (runId) => ({ runId: `agent://runs/${runId}/output` }), 'our own address of its output', done],
  ['get_agent_status', (runId) => ({ runId: runId.slice(0, 10) }), 'the beginning of the id', done],
  ['get_agent_status', (runId) => ({ run_id: runId }), 'runId', done],
  ['get_agent_status', (runId) => ({ runId, agentName: null, runner: null }), 'only the id', done],
  ['get_agent_status', (runId) => ({ runId, agentName: 'scribe' }), 'the id, with its own agent', done],
  [
    'get_agent_status',
    (runId) => ({ runId, toolCallId: 'c1' }),
    'the id; a key of the client',
    { warnings: [expect.stringContaining('toolCallId')] },
  ],
  ['run_agent', { runner: 'Demo', prompt: 'x' }, 'demo', queued],
  ['run_agent', { runner: 'demo', task: 'x' }, 'the prompt', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', timeoutMs: '5m' }, 'five minutes', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', timeoutMs: '300000' }, 'a number', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', timeout_seconds: 300 }, '300 s', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', autoResume: 'false' }, 'false', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', path: null, model: null, sessionId: '' }, 'none of them', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', labels: 'team=core' }, 'a label', queued],
  ['run_agents_parallel', { agents: '[{"runner":"demo","prompt":"x"}]', timeoutMs: 0 }, 'a list', { timedOut: true }],
  ['wait_agent', (runId) => ({ runIds: `["${runId}"]` }), 'a list', done],
  ['wait_agent', (runId) => ({ runId, timeoutMs: '30s' }), '30 s', done],
  ['stream_agent_output', (runId) => ({ runId, tail: 1 }), 'the last line', { output: 'three\n' }],
  ['stream_agent_output', (runId) => ({ runId, tailBytes: 10 }), 'the last bytes', { output: 'two\nthree\n' }],
  [
    'stream_agent_output',
    (runId) => ({ runId, sinceTimestamp: '2020-01-31T12:00:00Z' }),
    'that time',
    { output: 'one\ntwo\nthree\n' },
  ],
  ['stream_agent_output', (runId) => ({ runId, sinceTimestamp: '2100-01-31T12:00:00Z' }), 'that time', { output: '' }],
  ['list_runs', { since: '2100-01-31T12:00:00Z' }, 'that time', { runs: [] }],
  ['list_runs', { status: 'Done', limit: '1' }, 'done, one', { runs: [expect.objectContaining(done)] }],
  ['list_runs', null, 'all', { runs: expect.any(Array) }],
  // What is not known is told, with what there is.
  [
    'list_runs',
    { agentName: 'scrib' },
    'scribe',
    { runs: [], hint: expect.stringMatching(/no recent run of agent scrib;.*scribe.*Did you mean scribe/) },
  ],
  ['list_runs', { runner: 'nobody' }, 'a runner', { runs: [], hint: expect.stringMatching(/scripted/) }],
  [
    'run_agent',
    { runner: 'scripted', prompt: '[]', sessionId: 'made-up' },
    'a session',
    { warning: expect.stringMatching(/knows no session made-up/) },
  ],
  [
    'get_agent_status',
    { agentName: 'nobody' },
    'an agent',
    { refused: { code: 'unknown_run', hint: expect.stringMatching(/list_runs/) } },
  ],
  [
    'run_agent',
    { runner: 'clod', prompt: 'x' },
    'claude',
    { refused: { code: 'unknown_runner', hint: expect.stringMatching(/claude/) } },
  ],
  // What may mean something else is refused with the right call.
  ['run_agent', { runner: 'demo', prompt: ' \n' }, 'nothing', refused(/^prompt: it is blank/)],
  ['run_agent', { runner: 'demo', prompt: 'x', timeoutMs: 300 }, '300 s', refused(/300 seconds are 300000 or "300s"/)],
  ['run_agent', { runner: 'demo', prompt: 'x', timeout: 300 }, '300 s', refused(/seconds or milliseconds/, /"300s"/)],
  ['run_agent', { runner: 'demo', prompt: 'x', delayMs: 60 }, '60 s', refused(/milliseconds/)],
  ['run_agent', { runner: 'demo', prompt: 'x', silenceTimeoutMs: 60 }, '60 s', refused(/milliseconds/)],
  ['run_agent', { runner: 'demo', promt: 'x' }, 'the prompt', refused(/Did you mean prompt/)],
  [
    'run_agent',
    { runner: 'demo', prompt: 'x', agent: 'claude' },
    'a runner, or an agent',
    refused(/may mean the runner/),
  ],
  ['run_agent', { runner: 'demo', prompt: 'x', agentName: 'my agent' }, 'a name', refused(/letters, digits/)],
  ['wait_agent', (runId) => ({ runId, timeoutMs: 30 }), '30 s', refused(/milliseconds/)],
  ['stream_agent_output', (runId) => ({ runId, waitMs: 30 }), '30 s', refused(/milliseconds/)],
  ['kill_agent', (runId) => ({ runId, graceMs: 5 }), '5 s', refused(/milliseconds/)],
  [
    'get_agent_status',
    (runId) => ({ runId, agentName: 'other' }),
    'one of them',
    refused(/is of agent scribe, not other/, /only runId/),
  ],
  [
    'get_agent_status',
    (runId) => ({ runId, runner: 'demo' }),
    'one of them',
    refused(/is of runner scripted, not demo/),
  ],
  ['get_agent_status', (runId) => ({ runId, tail: 5 }), 'lines', refused(/lines or bytes/, /tailBytes/)],
  ['get_agent_status', {}, 'the latest run, perhaps', refused(/neither runId nor agentName/)],
  ['wait_agent', (runId) => ({ runId, runIds: [runId] }), 'one of them', refused(/excludes/)],
  [
    'stream_agent_output',
    (runId) => ({ runId, sinceTimestamp: seconds }),
    'seconds',
    refused(/are seconds; it takes milliseconds/, /ISO 8601/),
  ],
  [
    'stream_agent_output',
    (runId) => ({ runId, sinceTimestamp: 'yesterday' }),
    'a time',
    refused(/not a time/, /ISO 8601/),
  ],
  [
    'stream_agent_output',
    (runId) => ({ runId, tail: 5, sinceTimestamp: 0 }),
    'one of them',
    refused(/exclude each other/),
  ],
  [
    'stream_agent_output',
    (runId) => ({ runId, cursor: 'the end' }),
    'a cursor',
    refused(/is not a cursor/, /nextCursor/),
  ],
  ['list_runs', { since: seconds }, 'seconds', refused(/are seconds/, /ISO 8601/)],
  ['list_runs', { cursor: 'next' }, 'a cursor', refused(/is not a cursor/)],
  ['list_runs', { labels: 'team=core,area=docs' }, 'two labels', refused(/labels/)],
  [
    'create_agent',
    { name: 'a1', runner: 'demo', prompt: 'x', mcpServers: { s: { command: 'c' } } },
    'servers for a program that takes none',
    refused(/takes no MCP servers/, /claude/),
  ],
  ['create_agent', { name: 'a1', runner: 'demo', prompt: 'x', env: 'TOKEN' }, 'a variable', refused(/env/)],
  // What a newcomer and a model try first.
  ['run_agent', { input: { runner: 'demo', prompt: 'x' } }, 'the arguments within one more object', queued],
  ['run_agent', { arguments: '{"runner":"demo","prompt":"x"}' }, 'the same, as JSON text', queued],
  ['run_agent', { runner: ['demo'], prompt: ['x'] }, 'one runner, one prompt', queued],
  ['run_agent', { runner: 'demo', prompt: ['x', 'y'] }, 'two runs, perhaps', refused(/must be a text/)],
  ['run_agent', { runner: 'demo', prompt: 'x', path: '' }, 'no path', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', path: `"${place.work}"\n` }, 'the path', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', path: `file://${place.work}` }, 'the path', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', model: 'null', host: 'undefined' }, 'neither', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', timeoutMs: '1 hour' }, 'an hour', queued],
  ['run_agent', { runner: 'demo', prompt: 'x', timeoutMs: '5 minutes', delayMs: '0' }, 'five minutes', queued],
  [
    'run_agent',
    { runner: 'demo', prompt: 'x', sessionId: 'new' },
    'a new session',
    refused(/not an id/, /Leave it out/),
  ],
  ['run_agent', { runner: 'demo', prompt: 'x', systemPrompt: 'be kind' }, 'its role', refused(/agent/, /create_agent/)],
  ['run_agent', { runner: 'demo', prompt: 'x', env: { A: 'b' } }, 'a variable', refused(/agent/, /create_agent/)],
  [
    'run_agent',
    { runner: 'demo', prompt: 'x', agents: [{ prompt: 'y' }] },
    'two runs',
    refused(/several runs/, /run_agents_parallel/),
  ],
  [
    'run_agent',
    { runner: 'demo', prompt: 'x', sort: 'asc' },
    'nothing',
    { warnings: [expect.stringContaining('sort')] },
  ],
  ['run_agents_parallel', { agents: { runner: 'demo', prompt: 'x' }, timeoutMs: 0 }, 'one run', { timedOut: true }],
  ['run_agents_parallel', { prompts: ['x', 'y'], runner: 'demo' }, 'two runs', refused(/belongs into agents/)],
  ['wait_agent', (runId) => ({ runId: [runId] }), 'the id', done],
  ['get_agent_status', (runId) => ({ runId: `http://127.0.0.1:7333/runs/${runId}` }), 'the id in its page', done],
  ['get_agent_status', (runId) => ({ runId: `run ${runId}` }), 'the id', done],
  ['get_agent_status', (runId) => ({ runId: runId.toUpperCase() }), 'the id', done],
  ['get_agent_status', { runId: 'latest' }, 'the latest run', refused(/not an id/, /agentName/)],
  ['stream_agent_output', (runId) => ({ runId, lines: 2 }), 'two lines', refused(/first or the last/, /tail/)],
  ['stream_agent_output', (runId) => ({ runId, offset: 5 }), 'a place', refused(/not a place/, /nextCursor/)],
  [
    'stream_agent_output',
    (runId) => ({ runId, sinceTimestamp: '5m' }),
    '5 min ago',
    refused(/not a time/, /as 20\d\d-/),
  ],
  ['kill_agent', (runId) => ({ runId, signal: 9 }), 'KILL', { killed: false, ...done }],
  ['list_runs', { since: '1 hour ago' }, 'an hour ago', refused(/not a time/, /so long ago/)],
  ['run_agent', { runner: 'demo', prompt: 'x', runAt: '2027-01-01' }, 'later', refused(/later/, /delayMs/)],
  [
    'update_agent_config',
    { name: 'kind', changes: { prompt: 'x' } },
    'its prompt',
    refused(/changes/, /besides the name/),
  ],
  [
    'update_agent_config',
    { name: 'kind', config: { prompt: 'x' } },
    'its prompt',
    refused(/config/, /besides the name/),
  ],
  ['run_agent', { runner: 'demo', prompt: 'x', env: nested(2_000) }, 'nothing', refused(/within each other/)],
  ['run_agent', { runner: 'demo', prompt: 'x', labels: nested(2_000) }, 'nothing', refused(/within each other/)],
  ['run_agents_parallel', { agents: `${'['.repeat(9_000)}${']'.repeat(9_000)}` }, 'nothing', refused(/^agents: /)],
  ['create_agent', { name: 'kind', runner: 'demo', systemPrompt: 'be kind' }, 'its prompt', { prompt: 'be kind' }],
];

test.each(MISTAKES.map(([tool, sent, meant, happens]) => ({ tool, sent, meant, happens, shown: shownCall(sent) })))(
  '$tool $shown meant $meant',
  async ({ tool, sent, happens }) => {
    run ??= await endedRun();
    const args = typeof sent === 'function' ? sent(run.runId) : sent;
    const answer = await mcp.call<Facts>(tool, args as Facts).catch(({ code, message, hint }: Facts) => ({
      refused: { code, message, hint },
    }));
    expect(answer).toMatchObject(happens);
    if (!('refused' in happens)) expect(answer).not.toHaveProperty('refused');
  },
);

function shownCall(sent: Arguments): string {
  return beginningOf(JSON.stringify(typeof sent === 'function' ? sent('RUNID') : sent), 300);
}
