import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { type Browser, haveBrowser, openBrowser, textOf } from '../support/browser.js';
import { bearerFor } from '../support/http-token.js';
import { steps } from '../support/pool.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_HOST_NAME: 'here' });
oneWorker(place);
const server = oneServer(place);
const mcp = oneMcp(place);
let browser: Browser;
const ids: string[] = [];

async function submit(prompt: string, extra: object = {}): Promise<string> {
  const asked = { runner: 'demo', mode: 'quick', prompt, ...extra };
  const { runId } = await mcp.call<{ runId: string }>('run_agent', asked);
  ids.push(runId);
  return runId;
}
const open = (path: string) => browser.open(server.url + path);
const shown = async (page: Page) =>
  (await page.locator('#runs tbody tr').evaluateAll((rows) => rows.map(({ id }) => id))).map((id) =>
    id.replace(/^run-/, ''),
  );

describe.skipIf(!haveBrowser())('the pages about many runs in Chromium', () => {
  beforeAll(async () => {
    browser = await openBrowser();
    await submit('say <b>hello</b>', { agentName: 'greeter', labels: { ticket: '4711' } });
    await submit('please fail', { agentName: 'reporter' });
    for (let at = 0; at < 28; at += 1) await submit(`number ${at}`, { agentName: 'many' });
    await mcp.call('wait_agent', { runIds: ids, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await browser?.close();
  });

  it('finds runs by what the address says, and puts what is filled in there', async () => {
    const { page, complaints } = await open('/?label=ticket%3D4711');
    expect(await shown(page)).toEqual([ids[0]]);
    expect(await textOf(page.locator('#runs tbody'))).toContain('say <b>hello</b>');
    await page.goto(`${server.url}/?state=failed`);
    expect(await shown(page)).toEqual([ids[1]]);
    await page.goto(server.url);
    await page.getByLabel('Prompt, agent or id').fill('NUMBER 27');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=NUMBER/);
    expect(await shown(page)).toEqual([ids.at(-1)]);
    await page.goto(`${server.url}/?q=nothing+like+it`);
    await page.getByText('No run matches.').waitFor();
    await page.goto(`${server.url}/?cursor=%3Cscript%3E`);
    await page.getByText('is not a cursor of this list').waitFor();
    expect(complaints.filter((one) => !one.includes('400'))).toEqual([]);
    await page.close();
  });

  it('leads from page to page to the oldest run, each once', async () => {
    const { page } = await open('/');
    const seen = await shown(page);
    expect(seen).toHaveLength(25);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(/cursor=/);
    seen.push(...(await shown(page)));
    expect(seen).toEqual([...ids].reverse());
    expect(await page.getByRole('link', { name: 'Older' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Newest' }).click();
    await page.waitForURL((url) => url.search === '');
    await page.close();
  });

  it('rests while updates are paused', async () => {
    const { page } = await open('/?agent=late');
    await page.getByLabel('pause updates').check();
    const late = await submit('late', { agentName: 'late' });
    await mcp.call('wait_agent', { runId: late, timeoutMs: 60_000 });
    expect(await shown(page)).toEqual([]);
    await page.getByLabel('pause updates').uncheck();
    await page.locator(`#run-${late}`).waitFor();
    ids.splice(ids.indexOf(late), 1);
    await page.close();
  });

  it('kills those that are ticked, after asking once more', async () => {
    const long = { runner: 'scripted', mode: undefined, agentName: 'long' };
    const [one, two, three] = [
      await submit(steps({ pause: 60_000 }), long),
      await submit(steps({ pause: 60_000 }), long),
      await submit(steps({ pause: 60_000 }), long),
    ];
    const { page, complaints } = await open('/?agent=long');
    for (const id of [one, two]) await page.getByLabel(`Tick run ${id}`).check();
    await page.getByText('Kill them', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Kill them' }).click();
    const states = async () =>
      Promise.all(
        [one, two, three].map(
          async (runId) => (await mcp.call<{ status: string }>('get_agent_status', { runId })).status,
        ),
      );
    expect(await eventually(states, (all) => all.filter((state) => state === 'killed').length === 2)).toEqual([
      'killed',
      'killed',
      'running',
    ]);
    await mcp.call('kill_agent', { runId: three, graceMs: 100 });
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('kills all that match, on every page, after asking once more, and nothing else', async () => {
    const long = { runner: 'scripted', mode: undefined };
    const matching: string[] = [];
    for (let at = 0; at < 30; at += 1)
      matching.push(await submit(steps({ pause: 600_000 }), { ...long, agentName: 'crowd', labels: { batch: '7' } }));
    const other = await submit(steps({ pause: 600_000 }), { ...long, agentName: 'bystander', labels: { batch: '8' } });
    const count = async (status: string) =>
      (await mcp.call<{ runs: object[] }>('list_runs', { agentName: 'crowd', status, limit: 50 })).runs.length;
    const { page, complaints } = await open('/');
    expect(await page.getByText('Kill all that match').count()).toBe(0);
    await page.goto(`${server.url}/?label=nonsense`);
    expect(await page.getByText('Kill all that match').count()).toBe(0);
    await page.goto(`${server.url}/?label=batch%3D7`);
    expect(await shown(page)).toHaveLength(25);
    await page.getByLabel('pause updates').check();
    const later = await submit(steps({ pause: 600_000 }), { ...long, agentName: 'crowd', labels: { batch: '7' } });
    await page.getByText('Kill all that match', { exact: true }).first().click();
    expect(await count('killed')).toBe(0);
    await page.getByRole('button', { name: 'Kill all that match' }).click();
    await page.waitForURL(/label=batch/);
    await eventually(
      () => count('killed'),
      (killed) => killed === matching.length,
    );
    for (const runId of [other, later]) {
      const { status } = await mcp.call<{ status: string }>('get_agent_status', { runId });
      expect(['queued', 'running']).toContain(status);
      await mcp.call('kill_agent', { runId, graceMs: 100 });
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('runs those that are ticked, or all that match, again, after asking once more', async () => {
    const quick = { runner: 'demo', mode: 'quick', agentName: 'twice', labels: { batch: '9' } };
    const [one, two, other] = [
      await submit('say one', quick),
      await submit('say two', quick),
      await submit('say other', { ...quick, labels: { batch: '10' } }),
    ];
    await mcp.call('wait_agent', { runIds: [one, two, other], mode: 'all', timeoutMs: 40_000 });
    const prompts = async () => {
      const { runs } = await mcp.call<{ runs: Facts[] }>('list_runs', { agentName: 'twice', limit: 50 });
      return runs.map(({ promptLine, labels }) => `${promptLine} ${(labels as Facts).batch}`).sort();
    };
    const { page, complaints } = await open('/?agent=twice');
    for (const id of [one, other]) await page.getByLabel(`Tick run ${id}`).check();
    await page.getByText('Run them again', { exact: true }).first().click();
    expect(await prompts()).toHaveLength(3);
    await page.getByRole('button', { name: 'Run them again' }).click();
    await eventually(prompts, (all) => all.length === 5);
    await page.goto(`${server.url}/?label=batch%3D9`);
    await page.getByText('Run all that match again', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Run all that match again' }).click();
    await eventually(prompts, (all) => all.length === 8);
    expect(await prompts()).toEqual([
      ...['say one 9', 'say one 9', 'say one 9', 'say one 9'],
      ...['say other 10', 'say other 10', 'say two 9', 'say two 9'],
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows the last hours, each run once', async () => {
    const { page } = await open('/');
    const { stats } = await mcp.call<{ stats: { count: number }[] }>('list_runs', { stats: true });
    const runs = stats.reduce((sum, { count }) => sum + count, 0);
    const shownRuns = async () => {
      await page.reload();
      const bars = await page.locator('#recent title').allTextContents();
      expect(bars).toHaveLength(24);
      return bars.reduce((sum, words) => sum + Number(/: ([\d,]+) runs?,/.exec(words)?.[1]), 0);
    };
    await eventually(shownRuns, (count) => count === runs, 20_000);
    await page.close();
  });

  it('changes nothing by a filter that says nothing, or is not understood', async () => {
    const runId = await submit(steps({ pause: 600_000 }), { runner: 'scripted', mode: undefined });
    for (const filter of ['', 'label=nonsense', 'state=strange', 'agent=scripted&since=soon', 'cursor=x']) {
      const answer = await fetch(`${server.url}/bulk`, {
        method: 'POST',
        headers: { ...bearerFor(server.url), origin: server.url, 'content-type': 'application/x-www-form-urlencoded' },
        body: `what=kill-matching&${filter}`,
        redirect: 'manual',
      });
      expect([filter, answer.status]).toEqual([filter, 400]);
    }
    expect(['queued', 'running']).toContain((await mcp.call<{ status: string }>('get_agent_status', { runId })).status);
    await mcp.call('kill_agent', { runId, graceMs: 100 });
  });

  it('tells who works, which agents there are, and what it all came to', async () => {
    await mcp.call('create_agent', {
      name: 'greeter',
      runner: 'demo',
      prompt: 'You greet. <script>no</script>',
      description: 'Greets <b>all</b>',
      labels: { team: 'a' },
    });
    const { page, complaints } = await open('/workers');
    // On a busy machine a heartbeat may be late, and the worker silent for a moment.
    const worker = async () => {
      await page.reload();
      return textOf(page.locator('.worker'));
    };
    await eventually(worker, (text) => /here\s+ready[\s\S]*of 4 slots in use/.test(text));
    expect(await textOf(page.locator('.worker'))).toMatch(
      /Spools of what runs\s+[\d.]+ \w+ of [\d.]+ \w+\s+Disk\s+[\d.]+ \w+ free/,
    );
    const { workers } = await mcp.call<{ workers: { spool: object }[] }>('pool_status', {});
    expect(workers).toMatchObject([{ spool: { usedBytes: expect.any(Number), freeBytes: expect.any(Number) } }]);
    await page.goto(`${server.url}/agents`);
    expect(await textOf(page.locator('#agent-greeter'))).toMatch(/greeter\s+demo\s+Greets <b>all<\/b>\s+1\s+100 %/);
    await page.goto(`${server.url}/usage?last=24h`);
    const { stats } = await mcp.call<{ stats: { count: number }[] }>('list_runs', { stats: true });
    const runs = stats.reduce((sum, { count }) => sum + count, 0);
    expect(await textOf(page.locator('.sum'))).toContain(`${runs} runs`);
    expect(await textOf(page.locator('#by-agent'))).toMatch(/reporter\s+1\s+0 %\s+1/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('folds the rarer filters away on a phone, and keeps them open where one of them is used', async () => {
    const { page } = await open('/');
    const agent = page.getByLabel('Agent', { exact: true });
    const more = page.getByLabel('more filters');
    expect([await agent.isVisible(), await more.isVisible()]).toEqual([true, false]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await agent.isVisible()).toBe(false);
    expect((await page.locator('#filters').boundingBox())?.height).toBeLessThan(130);
    await page.getByLabel('Prompt, agent or id').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await agent.fill('greeter');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.waitForURL(/agent=greeter/);
    expect([await shown(page), await agent.isVisible()]).toEqual([[ids[0]], true]);
    await page.goto(`${server.url}/?state=failed`);
    expect([await shown(page), await agent.isVisible()]).toEqual([[ids[1]], false]);
    await page.close();
  });

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'dark'],
  ] as const)('is no wider than a screen of %i px (%s)', async (width, colorScheme) => {
    const { page } = await open('/');
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    for (const path of ['/', '/workers', '/agents', '/usage', `/runs/${ids[0]}`]) {
      await page.goto(server.url + path);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), path).toBeLessThanOrEqual(0);
    }
    await page.close();
  });
});
