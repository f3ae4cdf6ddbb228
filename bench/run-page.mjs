// The page of a run in Chromium: how soon a line is there after it was printed, and what becomes of 50 MiB of output.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { MAIN, makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const LINE_BYTES = 100;
const MIB = Number(process.argv[2] ?? 50);
const LINES = Math.ceil((MIB * 2 ** 20) / LINE_BYTES);
const NEEDLE = 'the needle';

if (!existsSync(CHROMIUM)) {
  process.stdout.write(`left out: there is no ${CHROMIUM}; get it with: apt-get install -y chromium\n`);
  process.exit(0);
}

/** The HTTP server; its memory of a run is empty, so the next page counts the lines anew. */
async function serve(world, home) {
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--json'], {
    cwd: world.work,
    env: { ...world.env, AGENTPOOL_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const { url } = JSON.parse(String(line));
  const authorization = `Bearer ${readFileSync(join(home, 'http-token'), 'utf8').trim()}`;
  return {
    url,
    headers: { authorization },
    async end() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function openTab(context, server, address, script) {
  const page = await context.newPage();
  await page.setExtraHTTPHeaders(server.headers);
  if (script) await page.addInitScript(script);
  await page.goto(server.url + address);
  return page;
}

/** Runs a script in the page that resolves when something is seen, looking with every frame. */
const seen = (page, condition) =>
  page.evaluate(`new Promise((resolve) => {
    const look = () => ((${condition}) ? resolve(performance.now()) : requestAnimationFrame(look));
    look();
  })`);

/** How long after they were printed lines are on the page (ms); the first five belong to the opening. */
async function delays(world, context, server) {
  const prompt = JSON.stringify(Array.from({ length: 150 }, () => [{ pause: 60 }, { now: true }]).flat());
  const { runId } = await world.mcp.call('run_agent', { runner: 'scripted', prompt });
  const page = await openTab(context, server, `/runs/${runId}`);
  const late = await page.evaluate(`new Promise((resolve) => {
    const seen = new Map();
    const look = () => {
      for (const row of document.querySelectorAll('#output .row span')) {
        const at = Number(row.textContent);
        if (at > 0 && !seen.has(at)) seen.set(at, Date.now() - at);
      }
      if (seen.size >= 105) resolve([...seen.values()].slice(5));
      else requestAnimationFrame(look);
    };
    look();
  })`);
  await page.close();
  return late;
}

/** From the request to lines that can be read (ms): with a server that has just started, and with one that knows the run. */
async function opening(context, server, runId) {
  const page = await openTab(context, server, `/runs/${runId}`);
  const took = await seen(page, `document.querySelector('#output .row span')?.textContent`);
  return { page, took };
}

/** Scrolls by the wheel, by keys and by jumps, and looks for tasks that take long; those of less than 50 ms are not told. */
async function longestTask(page) {
  await page.evaluate(`window.tasks = []; new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.tasks.push(duration);
  }).observe({ type: 'longtask' })`);
  const output = page.locator('#output');
  await output.scrollIntoViewIfNeeded();
  await output.hover();
  for (let at = 0; at < 60; at += 1) await page.mouse.wheel(0, 700);
  await output.focus();
  for (let at = 0; at < 40; at += 1) await page.keyboard.press('PageDown');
  for (let at = 0; at < 40; at += 1)
    await page.evaluate(`document.getElementById('output').scrollTop = 8e6 * ${(at * 37) % 40} / 40`);
  await seen(page, `document.querySelector('#output .row span')?.textContent`);
  const nodes = await page.evaluate('document.querySelectorAll("*").length');
  return { nodes, longest: Math.max(0, ...(await page.evaluate('window.tasks'))) };
}

async function searching(page) {
  const begun = performance.now();
  await page.getByLabel('Search the output').fill(NEEDLE);
  await page.keyboard.press('Enter');
  await page.locator('.row.found').getByText(NEEDLE).waitFor();
  return performance.now() - begun;
}

async function download(server, runId) {
  const begun = performance.now();
  const answer = await fetch(`${server.url}/runs/${runId}/output`, { headers: server.headers });
  const hash = createHash('sha256');
  for await (const bytes of answer.body) hash.update(bytes);
  return { took: performance.now() - begun, sha256: hash.digest('hex') };
}

/** The same lines as the program prints, by their description. */
function expectedHash() {
  const hash = createHash('sha256');
  for (let line = 1; line <= LINES; line += 1) {
    const start = `line ${String(line).padStart(8, '0')} `;
    hash.update(`${start}${'x'.repeat(LINE_BYTES - start.length - 1)}\n`);
  }
  return hash.update(`${NEEDLE}\n`).digest('hex');
}

async function printed(world, count) {
  const prompt = JSON.stringify([{ lines: { count, bytes: LINE_BYTES } }, { print: `${NEEDLE}\n` }]);
  const { runId } = await world.mcp.call('run_agent', { runner: 'scripted', prompt });
  while ((await world.mcp.call('wait_agent', { runId })).timedOut);
  return runId;
}

const world = await makeWorld({ workers: [0], env: { AGENTPOOL_MAX_OUTPUT_BYTES: String(2 ** 30) } });
const home = join(world.root, 'serve');
const profile = mkdtempSync(join(tmpdir(), 'ap-bench-chromium-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ],
  viewport: { width: 1280, height: 900 },
});
let server = await serve(world, home);

const late = await delays(world, context, server);
const worst = Math.max(...late);
row({
  figure: 'printed to on the page of the run, 100 lines (ms)',
  ours: `median ${median(late)} ms, longest ${worst} ms`,
  value: worst,
  goal: '<= 300',
});

const [few, many] = [await printed(world, 100), await printed(world, LINES)];
await server.end();
server = await serve(world, home);
const small = await opening(context, server, few);
await small.page.close();
const first = await opening(context, server, many);
row({
  figure: `the page of a run that printed ${MIB} MiB opens, server just started (ms)`,
  ours: `${first.took.toFixed(0)} ms`,
  limit: `of 10 KB: ${small.took.toFixed(0)} ms`,
  value: first.took,
  goal: '<= 1000',
});
const again = await opening(context, server, many);
await again.page.close();
row({
  figure: `the same, opened again (ms)`,
  ours: `${again.took.toFixed(0)} ms`,
  value: again.took,
  goal: '<= 1000',
});
const { nodes, longest } = await longestTask(first.page);
row({ figure: `nodes of that page, scrolled`, ours: String(nodes), value: nodes, goal: '<= 2000' });
row({
  figure: 'longest task while it is scrolled by wheel, keys and jumps (ms)',
  ours: longest === 0 ? 'none over 50 ms' : `${longest.toFixed(0)} ms`,
  value: longest,
  goal: '<= 100',
});
const search = await searching(first.page);
row({ figure: `a search of all ${MIB} MiB, found at the end (ms)`, ours: `${search.toFixed(0)} ms` });
await first.page.close();
const tab = await openTab(context, server, `/runs/${many}#L9000`);
const marked = await seen(tab, `document.querySelector('.row.marked span')?.textContent.startsWith('line 00009000')`);
row({ figure: '#L9000 of it in a new tab (ms)', ours: `${marked.toFixed(0)} ms`, value: marked, goal: '<= 1000' });
await tab.close();
const { took, sha256 } = await download(server, many);
row({
  figure: `download of ${MIB} MiB`,
  ours: `${took.toFixed(0)} ms, SHA-256 ${sha256 === expectedHash() ? 'equal' : 'DIFFERENT'}`,
});

await context.close();
rmSync(profile, { recursive: true, force: true });
await server.end();
await world.end({ keep: false });
if (sha256 !== expectedHash()) process.exit(1);
