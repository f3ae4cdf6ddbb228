import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oneMcp, onePlace } from '../support/beginnings.js';
import {
  type Asked,
  lastToolResults,
  type ModelEndpoint,
  startModelEndpoint,
  type Turn,
} from '../support/model-endpoint.js';
import { eventually, type Facts, MAIN, type Started, startWorkerProcess } from '../support/processes.js';
import { haveTerminals, openTerminal, type Terminal } from '../support/terminal.js';
import { PATIENCE_MS, temporary } from './cli-pool.js';
import { CLAUDE, whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { VERSIONS } from './versions.js';

const place = onePlace({ AGENTPOOL_RUNNERS: 'demo' });
const mcp = oneMcp(place);
const RUN_AGENT = 'mcp__agentpool__run_agent';
const ASKED = 'Use the pool.';
let model: ModelEndpoint;
let worker: Started;
let terminal: Terminal;

const wokenBy = ({ messages }: Asked) =>
  messages.findLast(({ role, text }) => role === 'user' && text.includes('<task-notification>'))?.text;

/** What the model does: it starts a run, looks how far it is by the id of its task, and ends its turn. */
function script(asked: Asked): Turn {
  if (wokenBy(asked) !== undefined) return { say: ['I have been woken.'] };
  const [result] = lastToolResults(asked);
  const [, runId] = /server-side task (\w+)/.exec(result ?? '') ?? [];
  if (runId !== undefined) return { call: { tool: 'mcp__agentpool__get_agent_status', input: { runId } } };
  if (result !== undefined) return { say: ['It runs.'] };
  if (!asked.tools.includes(RUN_AGENT)) return { say: ['The pool is not there yet.'] };
  const prompt = 'say hello; lines 3 every 2000';
  return { call: { tool: RUN_AGENT, input: { runner: 'demo', prompt, agentName: 'sleeper' } } };
}

/** What a person has told Claude Code at its first start. */
function settleIn(home: string): void {
  const projects = { [place.work]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } };
  const customApiKeyResponses = { approved: [KEY.slice(-20)], rejected: [] };
  const settled = { hasCompletedOnboarding: true, theme: 'dark', customApiKeyResponses, projects };
  writeFileSync(join(home, '.claude.json'), JSON.stringify(settled));
}

describe.skipIf(whyMissing('claude') || !haveTerminals())(`claude ${VERSIONS.claude} in a terminal`, () => {
  beforeAll(async () => {
    model = await startModelEndpoint('anthropic', KEY);
    worker = await startWorkerProcess(place);
    const server = { command: process.execPath, args: [MAIN, 'mcp'], env: { ...place.env } };
    writeFileSync(join(place.work, 'mcp.json'), JSON.stringify({ mcpServers: { agentpool: server } }));
    settleIn(place.env.HOME ?? '');
    Object.assign(place.env, temporary(place), {
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: KEY,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      ENABLE_TOOL_SEARCH: 'false',
    });
    terminal = await openTerminal(place, 120, 45);
  });
  afterAll(async () => {
    terminal?.end();
    await worker?.end();
    await model?.stop();
  });

  test('has a run as a task in the background, whose id is the run id, and is woken by its end', async () => {
    const asked = model.play(script);
    const shows = (words: RegExp) =>
      eventually(
        () => terminal.screen(),
        (rows) => rows.some((row) => words.test(row)),
        PATIENCE_MS,
      );
    const args = '--permission-mode default --allowedTools mcp__agentpool --mcp-config mcp.json --strict-mcp-config';
    terminal.type(`${CLAUDE} ${args}`);
    // Its first turn does not wait for its servers.
    for (let turns = 0; !asked.some(({ tools }) => tools.includes(RUN_AGENT)); turns = asked.length) {
      await shows(/^❯\s*$/);
      terminal.press(ASKED);
      await eventually(() =>
        terminal
          .screen()
          .findLast((row) => row.startsWith('❯'))
          ?.includes(ASKED),
      );
      terminal.press('Enter');
      await eventually(() => asked.length > turns, Boolean, PATIENCE_MS);
    }
    await shows(/● It runs\./);
    await shows(/● I have been woken\./);
    const { runs } = await mcp.call<{ runs: Facts[] }>('list_runs', { agentName: 'sleeper' });
    expect(runs).toMatchObject([{ status: 'done' }]);
    const { runId } = runs[0] as { runId: string };
    await shows(new RegExp(`MCP task ${runId} .* completed`));
    const status = asked.flatMap(lastToolResults).find((result) => result.includes('"promptLine"'));
    expect(JSON.parse(status ?? '{}')).toMatchObject({ runId, agentName: 'sleeper' });
    const woken = asked.map(wokenBy).find((text) => text !== undefined);
    expect(woken).toContain(`"runId":"${runId}"`);
    expect(woken).toContain('in 3 steps');
    expect(JSON.stringify(asked.at(-1)?.messages)).toContain('the id of that server-side task is the runId');
  });
});
