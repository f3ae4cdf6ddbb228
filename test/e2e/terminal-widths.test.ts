import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { installClaudeStandIn } from '../support/claude-stand-in.js';
import { steps } from '../support/pool.js';
import { eventually } from '../support/processes.js';
import { haveTerminals, openTerminal, type Terminal } from '../support/terminal.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'a-host-with-a-rather-long-name', AGENTPOOL_CONCURRENCY: '6' });
installClaudeStandIn(place);
oneWorker(place);
const mcp = oneMcp(place);
const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
const LONG = 'words that go on and on, '.repeat(12);
const WIDE = '日本語のとても長い指示'.repeat(8);
/** What an agent does; each of it is summed up in one line. */
const SAID = [
  line({ type: 'system', subtype: 'init', session_id: '3c8fa2e1-5b0d-4d43-9f3c-2f6f0a1b9c77', model: 'm' }),
  line({
    type: 'assistant',
    message: {
      model: 'm',
      content: [{ type: 'tool_use', id: 't1', name: 'Bash', input: { command: `echo ${LONG}` } }],
    },
  }),
  line({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 't1', content: `${WIDE}\n${LONG}` }] },
  }),
  line({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 't2', content: 'updated' }] },
    tool_use_result: {
      filePath: '/code/some/folder/a-file.md',
      structuredPatch: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: [`-${LONG}`, `+${WIDE}`] }],
    },
  }),
  line({ type: 'result', is_error: false, result: 'Done.', usage: { input_tokens: 200, output_tokens: 20 } }),
];
const ids: string[] = [];

describe.skipIf(!haveTerminals()).each([40, 80, 200])('a terminal of %i columns', (columns) => {
  let terminal: Terminal;

  beforeAll(async () => {
    terminal = await openTerminal(place, columns, 250);
    if (ids.length > 0) return;
    const submit = async (runner: string, prompt: string, more: object = {}) => {
      const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner, prompt, ...more });
      ids.push(runId);
    };
    const labels = { ticket: '4711', purpose: 'to-see-what-a-label-does' };
    await submit('claude', steps(...SAID), { agentName: 'an-agent-with-a-rather-long-name', labels });
    await submit('demo', `please fail ${LONG}`, { mode: 'quick' });
    await mcp.call('wait_agent', { runIds: ids, mode: 'all', timeoutMs: 60_000 });
    for (let at = 0; at < 3; at += 1)
      await submit('scripted', steps({ pause: 600_000 }, { note: { text: WIDE } }), { labels });
    await submit('scripted', steps({ pause: 600_000 }), { delayMs: 3_600_000 });
  });
  afterAll(async () => {
    terminal?.end();
    if (columns === 200) for (const runId of ids) await mcp.call('kill_agent', { runId, graceMs: 100 });
  });

  it.each([
    ['runs', /AGENT/],
    ['workers', /HOST/],
  ])('shows `%s` with each row on one line', async (command, head) => {
    await terminal.run(`agentpool ${command}`);
    expect(terminal.screen().join('\n')).toMatch(head);
    expect(terminal.wrapped()).toEqual([]);
  });

  it('shows `top` live, with each row on one line', async () => {
    const ended = terminal.type('agentpool top');
    await eventually(() => terminal.screen().some((row) => row.includes('running')));
    expect(terminal.wrapped()).toEqual([]);
    terminal.press('C-c');
    await ended();
  });

  it('shows `status` with its facts folded, and none of them cut', async () => {
    for (const runId of ids.slice(0, 3)) {
      await terminal.run(`agentpool status ${runId}`);
      const screen = terminal.screen();
      const facts = screen.slice(screen.findIndex((row) => row.startsWith(runId)) + 1, screen.indexOf('prompt') - 1);
      expect(facts.join('').replaceAll(/\s+/g, '')).toContain(place.work);
      for (const row of facts) expect(row).toMatch(/^( {2}\S| {4}\S| {15}\S| {22}\S)/);
      const wrapped = terminal.wrapped();
      expect(facts.filter((row) => wrapped.some((whole) => whole.startsWith(row)))).toEqual([]);
    }
  });

  it('shows `run` with each step on one line', async () => {
    writeFileSync(join(place.work, 'said.json'), steps(...SAID));
    await terminal.run('agentpool run claude < said.json');
    const screen = terminal.screen();
    expect(screen.filter((row) => row.startsWith('[tool] Bash'))).toHaveLength(1);
    expect(screen.join('\n')).toMatch(/\[ok\] 日本語/);
    expect(terminal.wrapped()).toEqual([]);
  });
});
