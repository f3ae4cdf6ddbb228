import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import axe from 'axe-core';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { type Browser, haveBrowser, openBrowser } from '../support/browser.js';
import { installClaudeStandIn } from '../support/claude-stand-in.js';
import { bearerFor } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { type Facts, MAIN } from '../support/processes.js';

const MIME_TYPE = 'text/html;profile=mcp-app';
const SHOWS_APPS = { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: [MIME_TYPE] } } };
const WITH_APP = ['get_agent_status', 'run_agent'];

const place = onePlace();
installClaudeStandIn(place);
oneWorker(place);
const server = oneServer(place);
const plain = oneMcp(place);
let client: Client;
let browser: Browser;

type Tools = Awaited<ReturnType<Client['listTools']>>['tools'];
const withApp = (tools: Tools) =>
  tools.filter(({ _meta }) => _meta && 'ui' in _meta && (_meta.ui as Facts).resourceUri === 'ui://agentpool/run');
const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
const say = (text: string) => line({ type: 'assistant', message: { model: 'm', content: [{ type: 'text', text }] } });

async function viewOf(from: Client): Promise<string> {
  const { contents } = await from.readResource({ uri: 'ui://agentpool/run' });
  expect(contents).toMatchObject([{ uri: 'ui://agentpool/run', mimeType: MIME_TYPE }]);
  return (contents[0] as { text: string }).text;
}

/** The host side of the published library, with the tools of this test's client. */
const HOST = new URL('../fixtures/app-host.mjs', import.meta.url).pathname;

/** What a host allows to a view that asks for nothing. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">`;

/** Calls a tool as a client does and shows its app beside the answer. */
async function shown(name: string, args: Facts, theme = 'light') {
  const { outputFiles } = await build({
    entryPoints: [HOST],
    bundle: true,
    write: false,
    format: 'iife',
  });
  const { page, complaints } = await browser.open('about:blank');
  const calls: string[] = [];
  await page.exposeFunction('callTool', (params: { name: string; arguments: Facts }) => {
    calls.push(params.name);
    return client.callTool(params);
  });
  await page.setContent('<iframe sandbox="allow-scripts" style="width: 700px; height: 500px"></iframe>');
  await page.evaluate(outputFiles[0]?.text ?? '');
  const html = (await viewOf(client)).replace('<head>', `<head>${POLICY}`);
  const result = await client.callTool({ name, arguments: args });
  await page.evaluate(`window.showApp(${[html, args, result, theme].map((one) => JSON.stringify(one)).join(', ')})`);
  const { runId } = result.structuredContent as { runId: string };
  return { page, app: page.frameLocator('iframe'), runId, calls, complaints };
}

async function findings(page: Page): Promise<string[]> {
  const frame = page.frames()[1];
  await frame?.evaluate(axe.source);
  const found = (await frame?.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

describe('clients that show apps', () => {
  beforeAll(async () => {
    client = new Client({ name: 'shows apps', version: '1' }, { capabilities: SHOWS_APPS });
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd: place.work, env: place.env }),
    );
    if (haveBrowser()) browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await client?.close();
  });

  it('are told of the view of a run, and others are not', async () => {
    expect(
      withApp((await client.listTools()).tools)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(WITH_APP);
    expect(withApp((await plain.client.listTools()).tools)).toEqual([]);
  });

  it('are told of it by their capabilities in protocol 2026-07-28', async () => {
    const list = async (capabilities: object) => {
      const answer = await fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: {
          ...bearerFor(server.url),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/list',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/list',
          params: {
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': capabilities,
            },
          },
        }),
      });
      const text = await answer.text();
      const data = /^data: (.*"result".*)$/m.exec(text)?.[1] ?? text;
      return withApp((JSON.parse(data) as { result: { tools: Tools } }).result.tools);
    };
    expect((await list(SHOWS_APPS)).map(({ name }) => name).sort()).toEqual(WITH_APP);
    expect(await list({})).toEqual([]);
  });

  it('get a page that is small and asks nobody', async () => {
    const html = await viewOf(client);
    expect(html.length).toBeLessThan(20_000);
    expect(html).not.toMatch(/https?:|src=|href=|@import|url\(/);
  });

  it('are led to the page of the run, as all are', async () => {
    const answer = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { ...bearerFor(server.url), 'content-type': 'application/json', accept: '*/*' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'run_agent', arguments: { runner: 'demo', mode: 'quick', prompt: 'say hello' } },
      }),
    });
    const [, pageUrl = ''] = /"pageUrl":"([^"]+)"/.exec(await answer.text()) ?? [];
    expect(pageUrl.startsWith(`${server.url}/runs/`)).toBe(true);
    expect((await fetch(pageUrl, { headers: bearerFor(server.url) })).status).toBe(200);
  });

  it.skipIf(!haveBrowser())('show a run live, and kill it after asking once more', async () => {
    const prompt = steps(say('First words.'), { pause: 700 }, say('More <b>words</b>.'), { pause: 600_000 });
    const { page, app, runId, calls, complaints } = await shown('run_agent', {
      runner: 'claude',
      prompt,
      agentName: 'writer',
    });
    await app.getByRole('heading', { name: 'writer' }).waitFor();
    await app.locator('#state.running').waitFor();
    await app.locator('#said').getByText('More <b>words</b>.').waitFor();
    expect(await app.locator('#said').textContent()).toContain('First words.');
    expect(await app.locator('b').count()).toBe(0);
    expect(await findings(page)).toEqual([]);
    await app.getByRole('button', { name: 'Kill', exact: true }).click();
    expect(await plain.call('get_agent_status', { runId })).toMatchObject({ status: 'running' });
    await app.getByRole('button', { name: 'Kill it with all of its processes' }).click();
    await app.locator('#state.killed').waitFor();
    expect(await app.getByRole('button').count()).toBe(0);
    expect(await plain.call('get_agent_status', { runId })).toMatchObject({ status: 'killed' });
    expect(new Set(calls)).toEqual(new Set(['get_agent_status', 'stream_agent_output', 'kill_agent']));
    expect(await page.evaluate('window.told')).toBeGreaterThan(40);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.skipIf(!haveBrowser())('show one that has ended, in the colours of their host', async () => {
    const { runId } = await plain.call<{ runId: string }>('run_agent', {
      runner: 'demo',
      prompt: 'please fail',
      mode: 'quick',
    });
    await plain.call('wait_agent', { runId });
    const { page, app } = await shown('get_agent_status', { runId }, 'dark');
    await app.locator('#state.failed').waitFor();
    await app.locator('#facts').getByText('the demo was asked to fail').waitFor();
    await app.locator('#said').getByText('step').first().waitFor();
    expect(await findings(page)).toEqual([]);
    await page.close();
  });
});
