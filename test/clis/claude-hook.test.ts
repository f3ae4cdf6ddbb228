import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastToolResults, startModelEndpoint } from '../support/model-endpoint.js';
import { makePlace } from '../support/pool.js';
import { eventually, MAIN, type Started, startWorkerProcess } from '../support/processes.js';
import { temporary } from './cli-pool.js';
import { CLAUDE, whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { VERSIONS } from './versions.js';

const place = makePlace({ AGENTPOOL_RUNNERS: 'demo' });
let worker: Started;

beforeAll(async () => {
  worker = await startWorkerProcess(place);
});
afterAll(async () => {
  await worker.end();
  place.clean();
});

/** The settings as docs/clients.md has them. */
const docs = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');
const SETTINGS = /^\{\n {2}"hooks"[\s\S]*?^\}$/m.exec(docs)?.[0] ?? '';

describe.skipIf(whyMissing('claude'))(`claude ${VERSIONS.claude}, whose settings have the hook`, () => {
  test('is woken when the run has ended, and its model is told the result', async () => {
    const model = await startModelEndpoint('anthropic', KEY);
    const asked = model.play((question) => {
      if (JSON.stringify(question.messages).includes('has ended: done')) return { say: ['I have been woken.'] };
      if (lastToolResults(question).length > 0) return { say: ['It runs.'] };
      const input = { runner: 'demo', prompt: 'say hello; lines 3 every 500', agentName: 'sleeper' };
      return { call: { tool: 'mcp__agentpool__run_agent', input } };
    });
    const config = join(place.work, 'mcp.json');
    const settings = join(place.work, 'settings.json');
    const server = { command: process.execPath, args: [MAIN, 'mcp'], env: place.env };
    writeFileSync(config, JSON.stringify({ mcpServers: { agentpool: server } }));
    writeFileSync(settings, SETTINGS.replace('agentpool wait', `${process.execPath} ${MAIN} wait`));
    const claude = spawn(
      CLAUDE,
      [
        ...['-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
        ...['--allowedTools', 'mcp__agentpool', '--mcp-config', config, '--strict-mcp-config'],
        ...['--settings', settings],
      ],
      {
        cwd: place.work,
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...place.env,
          ...temporary(place),
          ANTHROPIC_BASE_URL: model.url,
          ANTHROPIC_API_KEY: KEY,
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          ENABLE_TOOL_SEARCH: 'false',
        },
      },
    );
    let said = '';
    claude.stdout.on('data', (bytes) => {
      said += bytes;
    });
    const message = { role: 'user', content: [{ type: 'text', text: 'Use the pool.' }] };
    claude.stdin.write(`${JSON.stringify({ type: 'user', message })}\n`);
    await eventually(() => said.includes('I have been woken.'), Boolean, 30_000);
    claude.stdin.end();
    await once(claude, 'exit');
    await model.stop();
    const woken = JSON.stringify(asked.at(-1)?.messages);
    expect(woken).toContain('of agent sleeper has ended: done');
    expect(woken).toContain('in 3 steps');
  });
});
