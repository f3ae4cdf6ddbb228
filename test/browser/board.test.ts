import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, haveBrowser, openBrowser, textOf } from '../support/browser.js';
import { ask } from '../support/http.js';
import { type PlayedPool, playPool, promptOf, SECRET } from '../support/played-pool.js';

interface Counts {
  readonly waiting: number;
  readonly prioritized?: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
}

const CHANGES = /retry|remove|clean|promote|pause|empty|obliterate|\badd\b|edit|duplicate/i;

describe.skipIf(!haveBrowser())('Bull Board in Chromium', () => {
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

  const open = (path: string) => browser.open(`${pool.url}/queues${path}`);
  // Runs that have their turn are `prioritized` in BullMQ's words; for us they wait.
  const onlyCounts = ({ waiting, prioritized = 0, active, completed, failed }: Counts) => ({
    waiting: waiting + prioritized,
    active,
    completed,
    failed,
  });

  it('lists the queues with the counts that pool_status tells, without a complaint of the browser', async () => {
    expect(await pool.states()).toEqual({ done: 1, failed: 1, killed: 1, running: 1, queued: 1 });
    const { queues } = await pool.mcp.call<{ queues: (Counts & { queue: string })[] }>('pool_status', {});
    const { page, complaints } = await open('');
    for (const { queue } of queues) await page.locator('main').getByText(queue, { exact: true }).waitFor();
    const { body } = await ask(`${pool.url}/queues/api/queues`);
    const listed = (JSON.parse(body) as { queues: { name: string; counts: Counts; hasWorkers: boolean }[] }).queues;
    const shown = Object.fromEntries(listed.map(({ name, counts }) => [name, onlyCounts(counts)]));
    expect(shown).toEqual(Object.fromEntries(queues.map(({ queue, ...counts }) => [queue, onlyCounts(counts)])));
    expect(shown).toMatchObject({
      'runs.demo': { waiting: 0, active: 1, completed: 1, failed: 2 },
      'runs@nowhere': { waiting: 1, active: 0, completed: 0, failed: 0 },
    });
    expect(listed.filter(({ hasWorkers }) => !hasWorkers).map(({ name }) => name)).toEqual(['runs@nowhere']);
    expect(complaints).toEqual([]);
  });

  it('mirrors list_runs: active is what runs, completed what is done, failed what ended otherwise', async () => {
    const { running, done, failed = 0, killed = 0 } = await pool.states();
    const { page } = await open('/queue/runs.demo');
    for (const [tab, number] of Object.entries({ Active: running, Completed: done, Failed: failed + killed }))
      await page.getByRole('link', { name: new RegExp(`^${tab}\\s*${number}$`, 'i') }).waitFor();
  });

  it('shows the data of a job, a way to its run, and nowhere the prompt', async () => {
    const { page, complaints } = await open(`/queue/runs.demo/${pool.ids.reviewer}`);
    const job = page.locator('main');
    await job.getByText(/promptBytes/).waitFor();
    const text = (await textOf(job)).replaceAll(/\s+/g, '');
    expect(text).toContain(`runId:"${pool.ids.reviewer}"`);
    expect(text).toContain('agentName:"reviewer"');
    expect(text).toContain(`promptBytes:${promptOf('say hello').length}`);
    expect(await page.content()).not.toContain(SECRET);
    for (const tab of ['Progress', 'Options', 'Logs', 'Error']) {
      await job.getByText(tab, { exact: true }).click();
      expect(await page.content()).not.toContain(SECRET);
    }
    const link = job.getByRole('link', { name: 'The run and its output' });
    expect(await link.getAttribute('href')).toBe(`/runs/${pool.ids.reviewer}`);
    expect(complaints).toEqual([]);
  });

  it('tells why a run failed, without a stack of our own code', async () => {
    const { page } = await open(`/queue/runs.demo/${pool.ids.reporter}`);
    await page.getByText('failed: the demo was asked to fail').waitFor();
    expect(await textOf(page.locator('main'))).not.toMatch(/\bat .*\.js/);
  });

  it.each([
    ['the list of queues', '', 'runs.demo'],
    ['a queue', '/queue/runs.demo?status=failed', 'wanderer'],
    ['a job that failed', '/queue/runs.demo/{reporter}', 'reporter'],
    ['a job that waits', '/queue/runs%40nowhere/{stranger}', 'stranger'],
  ])('offers nothing that changes anything on the page of %s', async (_, path, seen) => {
    const { page } = await open(path.replace(/\{(\w+)\}/, (_all, name: string) => pool.ids[name] ?? ''));
    await page.locator('main').getByText(seen, { exact: true }).first().waitFor();
    const names = await page
      .locator('button, [role=menuitem]')
      .evaluateAll((all) =>
        all.map((one) => ['aria-label', 'title'].map((name) => one.getAttribute(name)).join(' ') + one.textContent),
      );
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => CHANGES.test(name))).toEqual([]);
  });

  it('refuses a retry with 405, and nothing is run again', async () => {
    const retry = `${pool.url}/queues/api/queues/runs.demo/${pool.ids.reporter}/retry/failed`;
    expect((await ask(retry, { method: 'PUT' })).status).toBe(405);
    expect((await ask(retry.replace(/\/failed$/, ''), { method: 'PUT' })).status).toBe(405);
    expect(await pool.states()).toEqual({ done: 1, failed: 1, killed: 1, running: 1, queued: 1 });
  });
});
