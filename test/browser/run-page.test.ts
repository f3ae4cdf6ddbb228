import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { type Browser, haveBrowser, openBrowser, textOf } from '../support/browser.js';
import { installClaudeStandIn } from '../support/claude-stand-in.js';
import { bearerFor } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { eventually, type Started, startAgentpool, startServeProcess } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_CONCURRENCY: '8' });
installClaudeStandIn(place);
oneWorker(place);
let server: Started & { readonly url: string };
const mcp = oneMcp(place);
let browser: Browser;

const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
const assistant = (...content: object[]) => line({ type: 'assistant', message: { model: 'm', content } });
const hunk = { oldStart: 1, oldLines: 1, newStart: 1, newLines: 2, lines: ['-# Old', '+# New', '+more'] };
const EVIL = '<script>document.title = "broken"</script><img src=x onerror="document.title=1">';
const SAID = [
  line({ type: 'system', subtype: 'init', session_id: 's1', model: 'm', claude_code_version: '2.1' }),
  assistant({
    type: 'text',
    text: `I **edit** it. ${EVIL} [bad](javascript:alert(1)) ![far](https://elsewhere.example/x.png)`,
  }),
  assistant({ type: 'tool_use', id: 't1', name: 'Bash', input: { command: `echo ${EVIL}` } }),
  line({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't1', content: `first\n${EVIL}` }] } }),
  line({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 't2', content: 'updated' }] },
    tool_use_result: { filePath: 'a.md', structuredPatch: [hunk] },
  }),
  { printError: `\u001b[31mred warning\u001b[0m ${EVIL}\n` },
];
const DONE = [
  assistant({ type: 'text', text: 'It is done.' }),
  line({ type: 'result', is_error: false, result: 'It is done.', usage: { input_tokens: 200, output_tokens: 20 } }),
];

async function submit(runner: string, prompt: string, extra: object = {}): Promise<string> {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner, prompt, ...extra });
  return runId;
}
const ended = (runId: string) => mcp.call('wait_agent', { runId, timeoutMs: 60_000 });
const open = (runId: string, rest = '') => browser.open(`${server.url}/runs/${runId}${rest}`);
const transcript = (page: Page) => page.locator('#transcript');
const rowsOf = (page: Page) => page.locator('#output .row');

describe.skipIf(!haveBrowser())('the page of a run in Chromium', () => {
  beforeAll(async () => {
    server = await startServeProcess(place);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end();
  });

  it('is live: what the agent says and does is added as it comes, and nothing of it runs', async () => {
    const go = join(place.work, 'go-on');
    const runId = await submit('claude', steps(...SAID, { until: go }, ...DONE), {
      agentName: 'writer',
      path: place.work,
    });
    const { page, complaints } = await open(runId);
    const said = transcript(page);
    await said.locator('.patch .add').first().waitFor();
    expect(await said.locator('strong').textContent()).toBe('edit');
    expect(await said.locator('script, img').count()).toBe(0);
    expect(await said.locator('a[href^="javascript"]').count()).toBe(0);
    expect(await textOf(said.locator('.say').first())).toContain('<script>document.title');
    await said.locator('details.call summary').click();
    expect(await textOf(said.locator('details.call pre'))).toContain('onerror');
    expect(await page.locator('.title .running').count()).toBe(1);
    writeFileSync(go, '');
    await said.getByText('It is done.').waitFor();
    await page.locator('.title .done').waitFor();
    expect(await said.locator('details.call').getAttribute('open')).not.toBeNull();
    expect(await said.getByText('It is done.').count()).toBe(1);
    expect(await page.title()).toBe('writer: done · agentpool');
    expect(await textOf(page.locator('#facts'))).toContain('200 tokens in, 20 out');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('can be read without scripts, and its forms work without them', async () => {
    const runId = await submit('claude', steps(...SAID, ...DONE), { agentName: 'plain' });
    await ended(runId);
    const answer = await fetch(`${server.url}/runs/${runId}`, { headers: bearerFor(server.url) });
    const text = await answer.text();
    for (const shown of ['I <strong>edit</strong> it.', '+# New', 'It is done.', 'red warning'])
      expect(text).toContain(shown);
    expect(text).not.toContain('<script>document');
    expect(text).toContain(`<form method="post" action="/runs/${runId}/rerun">`);
  });

  it('shows lines soon after they were printed, and says how soon', async () => {
    // More than enough: it goes on until the page has seen some, however long a busy machine takes to show it.
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      runner: 'scripted',
      prompt: steps(...Array.from({ length: 600 }, () => [{ pause: 100 }, { now: 1 }]).flat()),
    });
    const { page } = await open(runId);
    await rowsOf(page).first().waitFor();
    const late = await page.evaluate(`new Promise((resolve) => {
      const seen = new Map();
      const look = () => {
        for (const row of document.querySelectorAll('#output .row span')) {
          const at = Number(row.textContent);
          if (at > 0 && !seen.has(at)) seen.set(at, Date.now() - at);
        }
        if (seen.size >= 30) resolve([...seen.values()].slice(5, 30));
        else requestAnimationFrame(look);
      };
      look();
    })`);
    const sorted = (late as number[]).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    console.info(`a line was on the page ${median} ms after it was printed (median), ${sorted.at(-1)} ms (longest)`);
    expect(sorted).toHaveLength(25);
    await mcp.call('kill_agent', { runId, graceMs: 100 });
    await page.close();
  });

  it('searches all of the output, opens #L links, jumps, and keeps few nodes', async () => {
    const runId = await submit(
      'scripted',
      steps({ lines: { count: 300_000, bytes: 100 } }, { print: 'the needle\n' }, { lines: { count: 100, bytes: 50 } }),
    );
    await ended(runId);
    const { page, complaints } = await open(runId, '#L9000');
    await rowsOf(page).locator('a[href="#L9000"]').waitFor();
    expect(await page.locator('.row.marked a').textContent()).toBe('9000');
    await eventually(
      () => page.locator('.row.marked span').textContent(),
      (text) => text !== null && text !== '',
    );
    await page.getByLabel('Search the output').fill('THE NEEDLE');
    await page.keyboard.press('Enter');
    await page.locator('.row.found').getByText('the needle').waitFor();
    expect(await page.locator('.row.found a').textContent()).toBe('300001');
    await page.locator('#output').evaluate((output) => output.scrollTo({ top: output.scrollHeight }));
    await rowsOf(page).locator('a[href="#L300101"]').waitFor();
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(2_000);
    await page.evaluate('location.hash = "#L20-L22"');
    await eventually(
      () => page.locator('.row.marked').count(),
      (count) => count === 3,
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('tells stdout and stderr apart, with colours', async () => {
    const runId = await submit(
      'scripted',
      steps({ print: 'plain\n' }, { pause: 200 }, { printError: '\u001b[1;32mgood\u001b[0m\n' }),
    );
    await ended(runId);
    const { page } = await open(runId);
    await page.locator('.row.stderr .bold.ink2').getByText('good').waitFor();
    expect(await textOf(page.locator('.row.stdout'))).toContain('plain');
    await page.close();
  });

  it('shows every kind of colour that a terminal knows', async () => {
    const shown = {
      'bright behind': ['102', 'paper10', '', ''],
      'bright in front': ['95', 'ink13', '', ''],
      'of 256 by name': ['48;5;3', 'paper3', '', ''],
      'of 256': ['38;5;196', '', 'rgb(255, 0, 0)', ''],
      'of all behind': ['48;2;1;2;3', '', '', 'rgb(1, 2, 3)'],
      'with colons': ['38:2::4:5:6;1', 'bold', 'rgb(4, 5, 6)', ''],
      'set and taken back': ['31;42;39', 'paper2', '', ''],
    };
    const text = Object.entries(shown).map(([words, [code]]) => `\u001b[${code}m${words}\u001b[0m\n`);
    const runId = await submit('scripted', steps({ print: text.join('') }));
    await ended(runId);
    const { page } = await open(runId);
    await rowsOf(page).getByText('set and taken back').waitFor();
    const styles = await page.evaluate(
      `[...document.querySelectorAll('#output .row span span')].map(({ textContent, className, style }) => [textContent, className, style.color, style.backgroundColor])`,
    );
    expect(styles).toEqual(Object.entries(shown).map(([words, [, ...style]]) => [words, ...style]));
    await page.close();
  });

  it('gives every byte to a download', async () => {
    const runId = await submit('scripted', steps({ lines: { count: 20_000, bytes: 300 } }));
    await ended(runId);
    const printed = createHash('sha256');
    for (let number = 1; number <= 20_000; number += 1)
      printed.update(`${`line ${String(number).padStart(8, '0')} `.padEnd(299, 'x')}\n`);
    const sum = async (path: string) => {
      const answer = await fetch(`${server.url}/runs/${runId}${path}`, { headers: bearerFor(server.url) });
      expect(answer.headers.get('content-disposition')).toContain('attachment');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const bytes = Buffer.from(await answer.arrayBuffer());
      return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    };
    const whole = await sum('/output');
    const { droppedBytes, outputBytes } = await mcp.call<{ droppedBytes: number; outputBytes: number }>(
      'get_agent_status',
      { runId },
    );
    expect([whole.size, droppedBytes]).toEqual([outputBytes, 0]);
    expect(whole.sha256).toBe(printed.digest('hex'));
    expect(await sum('/output?stream=stdout')).toEqual(whole);
    expect((await sum('/output?stream=stderr')).size).toBe(0);
  });

  it('asks now and then, not again and again, for lines that its server does not answer', async () => {
    const runId = await submit('scripted', steps({ lines: { count: 5_000, bytes: 100 } }));
    await ended(runId);
    const { page } = await open(runId);
    await rowsOf(page).first().waitFor();
    let asked = 0;
    await page.route('**/lines?*', (route) => {
      asked += 1;
      return route.fulfill({ status: 503, body: '{}' });
    });
    await page.evaluate('location.hash = "#L3000"');
    await eventually(
      async () => asked,
      (count) => count >= 3,
    );
    expect(asked).toBeLessThan(10);
    await page.getByLabel('Search the output').fill('5000');
    await page.route('**/search?*', (route) => route.abort());
    await page.keyboard.press('Enter');
    await page.getByText('the search has failed; try again').waitFor();
    await page.unrouteAll();
    await rowsOf(page).locator('a[href="#L3000"]').waitFor();
    await eventually(
      () => page.locator('.row.marked span').textContent(),
      (text) => text !== null && text !== '',
    );
    await page.close();
  });

  it('loses and doubles nothing when its server is started anew in between', async () => {
    const go = join(place.work, 'go-on-2');
    const say = (number: number) => assistant({ type: 'text', text: `Word ${number}.` });
    const first = [line({ type: 'system', subtype: 'init', session_id: 's2', model: 'm' }), say(1), say(2)];
    const runId = await submit('claude', steps(...first, { until: go }, say(3), say(4), ...DONE), { path: place.work });
    const { page } = await open(runId);
    await transcript(page).getByText('Word 2.').waitFor();
    const { port } = new URL(server.url);
    await server.end();
    await page.getByText(/^No answer since/).waitFor();
    writeFileSync(go, '');
    await ended(runId);
    server = { ...(await startAgentpool(place, ['serve', '--port', port, '--json'])), url: server.url };
    await page.locator('.title .done').waitFor();
    const words = (await transcript(page).locator('.say').allInnerTexts()).map((text) => text.trim());
    expect(words).toEqual(['Word 1.', 'Word 2.', 'Word 3.', 'Word 4.', 'It is done.']);
    const rows = await eventually(
      () => rowsOf(page).allInnerTexts(),
      (texts) => texts.length === 7,
    );
    expect(rows.map((text) => /Word \d|init|"type":"result"|done/.exec(text)?.[0])).toEqual([
      'init',
      'Word 1',
      'Word 2',
      'Word 3',
      'Word 4',
      'done',
      '"type":"result"',
    ]);
    await page.close();
  });

  it('kills, reruns and resumes, each after asking once more', async () => {
    const runId = await submit('scripted', steps({ print: '{"session_id":"s-9"}\n' }, { pause: 60_000 }), {
      agentName: 'victim',
    });
    await eventually(
      () => mcp.call('get_agent_status', { runId }),
      ({ sessionId }) => sessionId === 's-9',
    );
    const { page, complaints } = await open(runId);
    await page.getByText('Kill', { exact: true }).click();
    await page.getByLabel('Reason').fill('wrong <b>branch</b>');
    await page.getByRole('button', { name: 'Kill this run' }).click();
    await page.locator('.title .killed').waitFor();
    await page.locator('#outcome').getByText('wrong <b>branch</b>').waitFor();
    await page.getByText('Rerun', { exact: true }).click();
    await page.getByRole('button', { name: 'Run it again' }).click();
    await page.waitForURL((url) => url.pathname !== `/runs/${runId}`);
    const rerun = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect(await mcp.call('get_agent_status', { runId: rerun })).toMatchObject({ agentName: 'victim' });
    await mcp.call('kill_agent', { runId: rerun, graceMs: 100 });
    await page.goto(`${server.url}/runs/${runId}`);
    await page.getByText('Resume', { exact: true }).click();
    await page.locator('#do-resume textarea').fill(steps({ print: '{"session_id":"s-9","result":"more"}\n' }));
    await page.getByRole('button', { name: 'Resume the session' }).click();
    await page.locator('.title .done').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('changes nothing for a page of somebody else, or who lacks the scope', async () => {
    const runId = await submit('scripted', steps({ pause: 60_000 }));
    const post = (headers: Record<string, string>) =>
      fetch(`${server.url}/runs/${runId}/kill`, {
        method: 'POST',
        headers: { ...bearerFor(server.url), 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: 'reason=no',
        redirect: 'manual',
      });
    const { host } = new URL(server.url);
    for (const origin of [
      '',
      'null',
      'http://evil.example',
      'http://127.0.0.1:1',
      `http://localhost:${host.split(':')[1]}`,
    ])
      expect((await post(origin === '' ? {} : { origin })).status).toBe(403);
    expect(await mcp.call('get_agent_status', { runId })).toMatchObject({ status: 'running' });
    expect((await post({ origin: `http://${host}` })).status).toBe(303);
    expect(await mcp.call('get_agent_status', { runId })).toMatchObject({ status: 'killed' });
  });
});
