import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { type Browser, haveBrowser, openBrowser } from '../support/browser.js';
import { installClaudeStandIn } from '../support/claude-stand-in.js';
import { steps } from '../support/pool.js';
import { eventually } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_CONCURRENCY: '2' });
installClaudeStandIn(place);
oneWorker(place);
const server = oneServer(place);
const mcp = oneMcp(place);
let browser: Browser;
let stranger: Browser;

const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
const assistant = (...content: object[]) => line({ type: 'assistant', message: { model: 'm', content } });
const user = (content: object, more: object = {}) => line({ type: 'user', message: { content: [content] }, ...more });
const hunk = { oldStart: 1, oldLines: 1, newStart: 1, newLines: 2, lines: ['-# Old', '+# New', '+more'] };
/** Something of everything that a transcript and an output can show. */
const SAID = [
  line({ type: 'system', subtype: 'init', session_id: 's1', model: 'm', claude_code_version: '2.1' }),
  assistant({ type: 'thinking', thinking: 'Let me see.' }),
  assistant({
    type: 'text',
    text: '# A title\n\nI **edit** it:\n\n```js\n1 + 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted',
  }),
  assistant({ type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls' } }),
  user({ type: 'tool_result', tool_use_id: 't1', content: 'a.md', is_error: true }),
  user(
    { type: 'tool_result', tool_use_id: 't2', content: 'updated' },
    { tool_use_result: { filePath: 'a.md', structuredPatch: [hunk] } },
  ),
  {
    printError:
      '\u001b[31mred\u001b[0m \u001b[2;33mfaint\u001b[0m \u001b[7mreverse\u001b[0m \u001b[30;102mon green\u001b[0m\n',
  },
];
const DONE = [
  assistant({ type: 'text', text: 'It is done.' }),
  line({ type: 'result', is_error: false, result: 'It is done.', usage: { input_tokens: 200, output_tokens: 20 } }),
];

async function submit(runner: string, prompt: string, extra: object = {}): Promise<string> {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner, prompt, ...extra });
  return runId;
}
const ended = (...runIds: string[]) => mcp.call('wait_agent', { runIds, mode: 'all', timeoutMs: 60_000 });

const ids: Record<string, string> = {};
const pages = (): Record<string, string> => ({
  overview: '/',
  'overview with a filter': '/?state=failed&label=ticket%3D4711&q=fail',
  'overview without a match': '/?agent=nobody',
  'run that is done': `/runs/${ids.done}#L2-L4`,
  'run that runs': `/runs/${ids.runs}`,
  'run that has failed': `/runs/${ids.failed}`,
  'run that was killed': `/runs/${ids.killed}`,
  'run that waits': `/runs/${ids.waits}`,
  workers: '/workers',
  agents: '/agents',
  usage: '/usage',
  'no such page': '/nothing',
  'no such run': '/runs/nothing',
  'wrong use': '/?cursor=x',
});

/** What axe finds in the page as it is. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, target }) => `${id}: ${target} ${html}`));
}

const WANTED = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

/** What Tab does not come to, and where nothing shows that it did; lines have a field that leads to them. */
async function unreached(page: Page): Promise<{ unreached: string[]; unseen: string[] }> {
  const count = (await page.evaluate(`(() => {
    window.wanted = [...document.querySelectorAll('${WANTED}')].filter(
      (one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.closest('.rows'),
    );
    return window.wanted.length;
  })()`)) as number;
  const seen = new Map<number, boolean>();
  // Fields for times have several stops.
  for (let press = 0; press < count + 30 && seen.size < count; press += 1) {
    await page.keyboard.press('Tab');
    const [at, outlined] = (await page.evaluate(`(() => {
      const at = document.activeElement;
      return [window.wanted.indexOf(at), getComputedStyle(at).outlineStyle !== 'none'];
    })()`)) as [number, boolean];
    if (at >= 0) seen.set(at, outlined);
  }
  const words = (at: number) => page.evaluate(`window.wanted[${at}].outerHTML.slice(0, 120)`) as Promise<string>;
  const all = Array.from({ length: count }, (_, at) => at);
  return {
    unreached: await Promise.all(all.filter((at) => !seen.has(at)).map(words)),
    unseen: await Promise.all(all.filter((at) => seen.get(at) === false).map(words)),
  };
}

describe.skipIf(!haveBrowser())('every page', () => {
  beforeAll(async () => {
    browser = await openBrowser();
    stranger = await openBrowser({ withToken: false });
    await mcp.call('create_agent', {
      name: 'greeter',
      runner: 'demo',
      prompt: 'You greet.',
      description: 'Greets',
      labels: { team: 'a' },
    });
    ids.done = await submit('claude', steps(...SAID, ...DONE), { agentName: 'writer' });
    ids.failed = await submit('demo', 'please fail', { mode: 'quick', labels: { ticket: '4711' } });
    await ended(ids.done, ids.failed);
    ids.killed = await submit('scripted', steps({ pause: 60_000 }));
    await mcp.call('kill_agent', { runId: ids.killed, graceMs: 100, reason: 'wrong branch' });
    ids.runs = await submit('claude', steps(...SAID, { pause: 600_000 }), { agentName: 'writer' });
    ids.more = await submit('scripted', steps({ pause: 600_000 }));
    ids.waits = await submit('scripted', steps({ pause: 600_000 }));
  });
  afterAll(async () => {
    for (const runId of [ids.runs, ids.more, ids.waits]) await mcp.call('kill_agent', { runId, graceMs: 100 });
    await browser?.close();
    await stranger?.close();
  });

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)('has nothing that axe finds, %i px wide and %s', async (width, colorScheme) => {
    const { page } = await browser.open(server.url);
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const found: Record<string, string[]> = {};
    for (const [name, path] of Object.entries(pages())) {
      await page.goto(server.url + path);
      if (name.startsWith('run that')) await page.locator('#output .row, #viewer').first().waitFor();
      found[name] = await findings(page);
      if (width < 1_000) continue;
      await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
      found[`${name}, opened`] = await findings(page);
    }
    const { page: login } = await stranger.open(server.url);
    await login.emulateMedia({ colorScheme });
    found['who is not let in'] = await findings(login);
    expect(await login.title()).toBe('Access denied · agentpool');
    expect(Object.entries(found).filter(([, all]) => all.length > 0)).toEqual([]);
    await Promise.all([page.close(), login.close()]);
  });

  it.each([390, 1280])(
    'has nothing that the keyboard does not reach, and shows where it is, %i px wide',
    async (width) => {
      const { page } = await browser.open(server.url);
      await page.setViewportSize({ width, height: 900 });
      for (const [name, path] of Object.entries(pages())) {
        await page.goto(server.url + path);
        if (name.startsWith('run that is done')) await page.locator('#output .row').first().waitFor();
        expect({ name, ...(await unreached(page)) }).toEqual({ name, unreached: [], unseen: [] });
      }
      await page.close();
    },
  );

  it('can be used by the keyboard alone', async () => {
    const runId = await submit('scripted', steps({ pause: 600_000 }), { agentName: 'by-keys' });
    const { page } = await browser.open(`${server.url}/?agent=nobody`);
    await page.getByLabel('Agent', { exact: true }).focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('by-keys');
    await page.keyboard.press('Enter');
    await page.waitForURL(/agent=by-keys/);
    await page.getByRole('link', { name: 'by-keys' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(`${server.url}/runs/${runId}`);
    const kill = page.locator('#do-kill summary');
    await kill.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    expect(await page.locator('#do-kill').getAttribute('open')).toBeNull();
    expect(await page.evaluate('document.activeElement.parentElement.id')).toBe('do-kill');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('by keys');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.title .killed').waitFor();
    await page.locator('#outcome').getByText('by keys').waitFor();
    await page.goto(`${server.url}/runs/${ids.done}`);
    await page.getByLabel('Go to a line').fill('2-4');
    await page.keyboard.press('Enter');
    await eventually(
      () => page.locator('.row.marked').count(),
      (count) => count === 3,
    );
    expect(new URL(page.url()).hash).toBe('#L2-L4');
    await page.close();
  });
});
