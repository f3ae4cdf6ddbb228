import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, type Facts } from '../support/processes.js';

const place = onePlace();
oneWorker(place);
const mcp = oneMcp(place);

/** What Claude Code 2.1.330 gives a PostToolUse hook. */
const hookInput = (tool: string, toolInput: Facts, toolResponse: unknown) =>
  JSON.stringify({
    session_id: '8ff8953d-b484-430c-a33d-98311b69a56b',
    transcript_path: `${place.home}/.claude/projects/work/8ff8953d-b484-430c-a33d-98311b69a56b.jsonl`,
    cwd: place.work,
    prompt_id: '77172140-858d-47a6-bde3-67610d1d1503',
    permission_mode: 'default',
    effort: { level: 'medium' },
    hook_event_name: 'PostToolUse',
    tool_name: `mcp__agentpool__${tool}`,
    tool_input: toolInput,
    tool_response: toolResponse,
    tool_use_id: 'toolu_6e90e3d98090592f7d4507',
    duration_ms: 259,
    mcp_server: { name: 'agentpool', source: 'dynamic' },
  });

/** Calls a tool as Claude Code would, and gives call and answer to the hook. */
async function hook(tool: string, args: Facts, ...more: string[]) {
  const answer = await mcp.client.callTool({ name: tool, arguments: args });
  const response = JSON.stringify(answer.structuredContent);
  return agentpool(place, ['wait', '--hook', ...more], hookInput(tool, args, response));
}
const scripted = (...list: Facts[]) => ({ runner: 'scripted', prompt: steps(...list) });

describe('agentpool wait --hook', () => {
  it('wakes the model with the result when the run has ended', async () => {
    const { code, stdout, stderr } = await hook('run_agent', {
      ...scripted({ pause: 500 }, { print: '{"result":"forty-two"}\n' }),
      agentName: 'thinker',
    });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^agentpool: run r\w{19} of agent thinker has ended: done\nIts result:\nforty-two\n/);
  });

  it('says why a run failed, and how its output ended', async () => {
    const { code, stderr } = await hook('run_agent', scripted({ print: 'so far\n' }, { exit: 3 }));
    expect(code).toBe(2);
    expect(stderr).toMatch(/has ended: failed: .*3.*\(exit\)\nThe end of its output:\nso far\n/);
  });

  it('waits for all runs of run_agents_parallel, and cuts long results', async () => {
    const long = scripted({ pause: 800 }, { print: `${JSON.stringify({ result: 'x'.repeat(9_000) })}\n` });
    const { code, stderr } = await hook('run_agents_parallel', { agents: [long, scripted({ exit: 1 })], timeoutMs: 0 });
    expect(code).toBe(2);
    expect(stderr.match(/has ended: (done|failed)/g)).toHaveLength(2);
    expect(stderr).toContain('x… (cut)');
    expect(stderr.length).toBeLessThan(6_000);
  });

  it('at its own time limit wakes the model, too, and says that the run goes on', async () => {
    const { code, stderr } = await hook(
      'run_agent',
      { ...scripted({ pause: 60_000 }), agentName: 'long' },
      '--timeout',
      '50',
    );
    await mcp.call('kill_agent', { agentName: 'long', graceMs: 100 });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is still running; wait_agent goes on/)]);
  });

  it('is silent after a call that submitted nothing, and after any other tool', async () => {
    expect(await hook('run_agent', { runner: 'nobody', prompt: 'x' })).toMatchObject({ code: 0, stderr: '' });
    expect(await hook('list_runs', {})).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not wake the model for what the person has to fix', async () => {
    expect(await agentpool(place, ['wait', '--hook'], 'no JSON')).toMatchObject({ code: 1 });
    const unknown = hookInput('run_agent', {}, '{"runId":"r000"}');
    const { code, stderr } = await agentpool(place, ['wait', '--hook'], unknown);
    expect([code, stderr]).toEqual([1, 'agentpool: there is no run r000\n']);
  });

  it.each([
    ['an object', (runId: string) => ({ runId })],
    ['a list of content', (runId: string) => [{ type: 'text', text: JSON.stringify({ runId }) }]],
    [
      'a whole answer',
      (runId: string) => ({
        content: [{ type: 'text', text: JSON.stringify({ runId }) }],
        structuredContent: { runId },
      }),
    ],
  ])('finds the run where the answer comes as %s, and tells it once', async (_, shape) => {
    const { runId } = await mcp.call<{ runId: string }>('run_agent', scripted({ print: 'x' }));
    const { code, stderr } = await agentpool(place, ['wait', '--hook'], hookInput('run_agent', {}, shape(runId)));
    expect([code, stderr.match(/has ended: done/g)?.length]).toEqual([2, 1]);
  });
});

describe('agentpool wait', () => {
  it('without a run says what it needs', async () => {
    const { code, stderr } = await agentpool(place, ['wait']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('no run is named')]);
  });
});
