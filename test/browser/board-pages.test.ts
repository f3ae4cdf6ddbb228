import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, haveBrowser, openBrowser, textOf } from '../support/browser.js';
import { FOR_LONG, type PlayedPool, playPool, SECRET } from '../support/played-pool.js';
import { eventually } from '../support/processes.js';

describe.skipIf(!haveBrowser())('our own pages in Chromium', () => {
  let pool: PlayedPool;
  let browser: Browser;
  beforeAll(async () => {
    pool = await playPool();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await pool?.stop();
  });

  it('the overview shows workers, queues and runs, what runs first, and what needs attention', async () => {
    const { page, complaints } = await browser.open(pool.url);
    const part = (name: string) => page.getByRole('region', { name, exact: true });
    expect(await textOf(part('Workers'))).toMatch(/here\s+ready\s+.*1 of 4/);
    expect(await textOf(part('Queues'))).toMatch(/runs@nowhere\s+nobody\s+1/);
    const rows = part('Runs').locator('tbody tr');
    expect((await textOf(rows.first())).trim().split(/\s+/).slice(0, 2)).toEqual(['running', 'builder']);
    expect(await rows.count()).toBe(5);
    const tiles = page.getByRole('navigation', { name: 'Runs by state' });
    for (const [state, number] of Object.entries(await pool.states()))
      await tiles.getByRole('link', { name: new RegExp(`^${number} ?${state}$`) }).waitFor();
    const attention = page.getByRole('region', { name: 'Needs attention' });
    await attention.getByText('1 run waits in runs@nowhere, which no live worker serves.').waitFor();
    await rows.getByText('wrong branch').waitFor();
    expect(await page.content()).not.toContain(SECRET);
    expect(complaints).toEqual([]);
  });

  it('the overview keeps itself up to date without loading anew: focus and rows stay, new runs appear', async () => {
    const { page, complaints } = await browser.open(pool.url);
    const row = page.locator(`#run-${pool.ids.builder}`);
    await row.evaluate((element) => Object.assign(element, { kept: true }));
    await row.getByRole('link').focus();
    const before = await textOf(row);
    const newcomer = await pool.run('newcomer', FOR_LONG);
    await page.locator(`#run-${newcomer}`).waitFor();
    await eventually(
      () => textOf(row),
      (text) => text !== before,
    );
    expect(await row.evaluate((element) => 'kept' in element)).toBe(true);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('builder');
    await pool.mcp.call('kill_agent', { runId: newcomer, graceMs: 100 });
    await page.locator(`#run-${newcomer} .killed`).waitFor();
    expect(complaints).toEqual([]);
  });

  it('a page leaves a selection alone', async () => {
    const { page } = await browser.open(`${pool.url}/runs/${pool.ids.builder}`);
    const output = page.locator('#output');
    await output.evaluate((element) => element.ownerDocument.defaultView?.getSelection()?.selectAllChildren(element));
    const selected = await textOf(output);
    await page.waitForResponse(/\/runs\//);
    await page.waitForResponse(/\/runs\//);
    expect(await textOf(output)).toBe(selected);
    await page.evaluate('getSelection().removeAllRanges()');
    await eventually(
      () => textOf(output),
      (text) => text !== selected,
    );
  });

  it('the page of a run follows the output while it runs, shows the result, and then rests', async () => {
    const { page, complaints } = await browser.open(
      `${pool.url}/runs/${await pool.run('sprinter', 'lines 40 every 100')}`,
    );
    await page
      .locator('#output')
      .getByText(/step \d+ of 40/)
      .first()
      .waitFor();
    await page.locator('.title .done').waitFor();
    expect(await textOf(page.getByRole('region', { name: 'Result' }))).toContain(
      'done with "lines 40 every 100" in 40 steps',
    );
    expect(await page.title()).toBe('sprinter: done · agentpool');
    expect(await page.evaluate('document.body.dataset.refreshMs')).toBeUndefined();
    const below = await page
      .locator('#output')
      .evaluate((output) => output.scrollHeight - output.scrollTop - output.clientHeight);
    expect(below).toBeLessThan(24);
    expect(await textOf(page.getByRole('region', { name: 'Prompt' }))).toContain(SECRET);
    expect(complaints).toEqual([]);
  });

  it('an open page says that it is old while the server is away, and goes on when it is back', async () => {
    const { page } = await browser.open(`${pool.url}/runs/${pool.ids.builder}`);
    const startServer = await pool.endServer();
    await page.getByText(/^No answer since .* trying again\.$/).waitFor();
    await startServer();
    await page.locator('#stale').waitFor({ state: 'hidden' });
  });

  it.each(['light', 'dark'] as const)('text can be read in %s: its contrast is at least 4.5', async (colorScheme) => {
    for (const path of ['/', `/runs/${pool.ids.reporter}`, `/runs/${pool.ids.wanderer}`]) {
      const { page } = await browser.open(pool.url + path);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const pale = await page.evaluate(PALE_TEXT);
      expect(pale).toEqual([]);
      await page.close();
    }
  });
});

/** Every piece of text whose contrast to what is behind it is below 4.5, by the formula of WCAG 2. */
const PALE_TEXT = `(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => value / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = rgb(getComputedStyle(element).backgroundColor);
    return color[3] === 0 ? behind(element.parentElement) : color;
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  return [...document.body.querySelectorAll('*')].filter(own).flatMap((element) => {
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast < 4.5 ? [element.className + ' ' + element.textContent + ': ' + contrast.toFixed(2)] : [];
  });
})()`;
