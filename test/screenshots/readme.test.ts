import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporary } from '../clis/cli-pool.js';
import { PATH, whyMissing } from '../clis/programs.js';
import { KEY, type RealRunner } from '../clis/real-runner.js';
import { realRunner } from '../clis/real-runners.js';
import { oneMcp, onePlace } from '../support/beginnings.js';
import { type Browser, haveBrowser, openBrowser } from '../support/browser.js';
import { type Asked, type ModelEndpoint, startModelEndpoint, type Turn } from '../support/model-endpoint.js';
import { type Facts, type Started, startServeProcess, startWorkerProcess } from '../support/processes.js';
import { haveTerminals, openTerminal, type Terminal } from '../support/terminal.js';

const IMAGES = new URL('../../docs/images/', import.meta.url).pathname;
const PICTURES = new URL('../../docs/pictures.md', import.meta.url).pathname;
const QUESTION = 'Which file starts the HTTP server?';
const MOST_BYTES = 200_000;
const SERVER = `import { createServer } from 'node:http';

createServer((request, response) => {
  response.end('hello\\n');
}).listen(8080);
`;

const runners = ['claude', 'codex', 'gemini', 'opencode']
  .filter((name) => !whyMissing(name))
  .map((name) => realRunner(name));
const place = onePlace({
  PATH,
  AGENTPOOL_RUNNERS: ['demo', ...runners.map(({ name }) => name)].join(','),
  AGENTPOOL_HOST_NAME: 'workshop',
});
Object.assign(place.env, temporary(place));
const models: Record<string, ModelEndpoint> = {};
let worker: Started;
let server: Started & { readonly url: string };
let browser: Browser;
let terminal: Terminal;
const mcp = oneMcp(place);

const turnOf = ({ messages }: Asked) => messages.reduce((sum, { toolResults }) => sum + toolResults.length, 0);

/** What the scripted model of claude does: it reads a file, edits it, checks it, and says so. */
function editing(asked: Asked): Turn {
  const file = join(place.work, 'server.js');
  const turns: readonly Turn[] = [
    { say: ['I look at the server first.'], call: { tool: 'Read', input: { file_path: file } } },
    {
      say: ['There is one handler for everything; a health check goes before it.'],
      call: {
        tool: 'Edit',
        input: {
          file_path: file,
          old_string: "  response.end('hello\\n');",
          new_string: "  if (request.url === '/healthz') return response.end('ok\\n');\n  response.end('hello\\n');",
        },
      },
    },
    {
      say: ['Now I check that it still parses.'],
      call: { tool: 'Bash', input: { command: `node --check ${file} && echo fine` } },
    },
    {
      say: [
        '`server.js` now answers **`/healthz`** with `ok`; everything else stays as it was.\n\n',
        '* one line added to the handler\n* `node --check` finds nothing',
      ],
    },
  ];
  if (asked.tools.length === 0) return { say: ['A health check'] };
  return turns[Math.min(turnOf(asked), turns.length - 1)] as Turn;
}

/** What the others do: one look around, and an answer. */
const looking =
  (real: RealRunner) =>
  (asked: Asked): Turn =>
    turnOf(asked) === 0 && asked.tools.length > 0
      ? { say: ['I look around first.'], call: real.shell('ls') }
      : { say: [`It is \`server.js\`, as ${real.name} sees it.`] };

const TABLE_HEAD = `| Program | \`wait_agent\` | \`get_agent_status\` | \`stream_agent_output\` |
| --- | --- | --- | --- |`;
const bytes = (answer: object) => Buffer.byteLength(JSON.stringify(answer));
const change = (before: object, now: object) => `${bytes(before)} → ${bytes(now)}`;

/** How long each answer is with the raw output in it, as it was before there was a transcript, and how long it is (bytes). */
async function sizesOf(name: string, runId: string, { activity: _, ...waited }: Facts): Promise<string> {
  const [status, { activity: __, ...rawStatus }, said, raw] = await Promise.all([
    mcp.call('get_agent_status', { runId }),
    mcp.call<Facts>('get_agent_status', { runId, tailBytes: 2_048 }),
    mcp.call('stream_agent_output', { runId }),
    mcp.call('stream_agent_output', { runId, view: 'raw' }),
  ]);
  const now = { ...waited, activity: _ };
  const cells = [
    change({ ...waited, output: rawStatus.outputTail }, now),
    change(rawStatus, status),
    change(raw, said),
  ];
  return `| ${name} | ${cells.join(' | ')} |`;
}

/** Lines as a terminal of 110 columns would show them. */
const wrapped = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [''] : (line.match(/.{1,110}/gu) ?? [])));

/** Takes a picture and keeps it small. */
async function photograph(name: string, take: (path: string) => Promise<unknown>): Promise<void> {
  const path = join(IMAGES, `${name}.png`);
  await take(path);
  const { size } = statSync(path);
  console.info(`${name}.png: ${Math.round(size / 1024)} KiB`);
  expect(size).toBeLessThan(MOST_BYTES);
}

const STYLE = `
  body { margin: 0 } main { padding: 14px; width: fit-content; background: #0f141b; color: #d7dde5; font: 14px/20px "DejaVu Sans Mono", Menlo, monospace }
  div { white-space: pre; min-height: 20px }
  .bold { font-weight: 700 } .faint { color: #8b96a5 } .italic { font-style: italic } .under { text-decoration: underline } .reverse { background: #d7dde5; color: #0f141b }
  .ink0, .ink8 { color: #8b96a5 } .ink1, .ink9 { color: #f58579 } .ink2, .ink10 { color: #5ac98e } .ink3, .ink11 { color: #e2b355 } .ink4, .ink12 { color: #76b6f4 } .ink5, .ink13 { color: #bb9bea } .ink6, .ink14 { color: #63c7d9 }
`;

/** A picture of a screen, with the colours that the pages give to those of a terminal. */
async function photographScreen(name: string, lines: readonly string[]): Promise<void> {
  const { outputFiles } = await build({
    stdin: {
      contents: "import { styledText } from './src/board/browser/ansi.ts'; window.styledText = styledText;",
      resolveDir: new URL('../..', import.meta.url).pathname,
    },
    bundle: true,
    write: false,
    format: 'iife',
  });
  const { page } = await browser.open('about:blank');
  await page.setContent(`<style>${STYLE}</style><main></main>`);
  await page.evaluate(outputFiles[0]?.text ?? '');
  await page.evaluate(`for (const line of ${JSON.stringify(lines)}) {
    const row = document.createElement('div');
    row.append(...window.styledText(line));
    document.querySelector('main').append(row);
  }`);
  await photograph(name, (path) => page.locator('main').screenshot({ path }));
  await page.close();
}

describe.skipIf(!haveBrowser() || !haveTerminals() || runners.length === 0)('the pictures of the README', () => {
  beforeAll(async () => {
    mkdirSync(IMAGES, { recursive: true });
    writeFileSync(join(place.work, 'server.js'), SERVER);
    for (const real of runners) {
      const model = await startModelEndpoint(real.dialect, KEY);
      models[real.name] = model;
      model.play(real.name === 'claude' ? editing : looking(real));
      const variables = real.setUp(place.env.HOME ?? '', model.url);
      Object.assign(place.env, variables);
    }
    worker = await startWorkerProcess(place);
    server = await startServeProcess(place);
    browser = await openBrowser();
    terminal = await openTerminal(place, 100, 40);
  });
  afterAll(async () => {
    terminal?.end();
    await browser?.close();
    await server?.end();
    await worker?.end();
    for (const model of Object.values(models)) await model.stop();
  });

  it.runIf(!whyMissing('claude'))('show a run of claude in a terminal and on its page', async () => {
    await terminal.run('agentpool run claude "Give server.js a health check" --label ticket=4711', 400_000);
    const screen = terminal.screen({ styled: true });
    expect(screen.join('\n')).toContain('/healthz');
    await photographScreen('terminal', screen.slice(0, -1));
    const { runs } = await mcp.call<{ runs: { runId: string; status: string }[] }>('list_runs', { runner: 'claude' });
    expect(runs).toMatchObject([{ status: 'done' }]);
    const { page } = await browser.open(`${server.url}/runs/${runs[0]?.runId}`);
    await page.setViewportSize({ width: 1280, height: 1400 });
    await page.locator('#output .row span').first().waitFor();
    await photograph('run', (path) => page.screenshot({ path }));
    await page.close();
  });

  it('show the others in a terminal and on their pages', async () => {
    const others = runners.filter(({ name }) => name !== 'claude');
    for (const { name, model } of others) {
      await terminal.run(`agentpool run ${name} "${QUESTION}" --model ${model[0]}`, 400_000);
      const screen = terminal.screen({ styled: true });
      expect(screen.join('\n')).toContain('server.js');
      await photographScreen(`terminal-${name}`, screen.slice(0, -1));
      const { runs } = await mcp.call<{ runs: { runId: string }[] }>('list_runs', { runner: name });
      const { page } = await browser.open(`${server.url}/runs/${runs[0]?.runId}`);
      await page.setViewportSize({ width: 1000, height: 1100 });
      await page.locator('#output .row span').first().waitFor();
      await photograph(`run-${name}`, (path) => page.screenshot({ path }));
      await page.close();
    }
  });

  it('show an answer over MCP, and how long each is', async () => {
    const rows: string[] = [];
    for (const { name } of runners) {
      const { runs } = await mcp.call<{ runs: { runId: string }[] }>('list_runs', { runner: name });
      const runId = runs[0]?.runId ?? '';
      const waited = await mcp.call('wait_agent', { runId });
      if (name === 'claude') await photographScreen('mcp', wrapped(JSON.stringify(waited, null, 2)));
      rows.push(await sizesOf(name, runId, waited));
    }
    const page = readFileSync(PICTURES, 'utf8');
    const table = `${TABLE_HEAD}\n${rows.join('\n')}\n`;
    writeFileSync(
      PICTURES,
      page.replace(/<!-- sizes -->[\s\S]*<!-- end -->/, `<!-- sizes -->\n\n${table}\n<!-- end -->`),
    );
    console.info(table);
  });

  it('show the overview of a pool that works', async () => {
    const ask = async (runner: string, prompt: string, more: object = {}) => {
      const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner, prompt, ...more });
      return runId;
    };
    const ids = await Promise.all([
      ask('demo', 'please fail', { agentName: 'nightly', mode: 'quick' }),
      ask('demo', 'say hello', { agentName: 'greeter', mode: 'quick', labels: { team: 'docs' } }),
    ]);
    for (const runId of ids) while ((await mcp.call('wait_agent', { runId, timeoutMs: 40_000 })).timedOut);
    const long = [
      await ask('demo', 'lines 10000 every 100', { agentName: 'migration', labels: { ticket: '4712' } }),
      await ask('demo', 'lines 10000 every 100', { agentName: 'reviewer' }),
    ];
    const { page } = await browser.open(server.url);
    for (const runId of long) await page.locator(`#run-${runId} .running`).waitFor();
    await photograph('overview', (path) => page.screenshot({ path }));
    await page.close();
    for (const runId of long) await mcp.call('kill_agent', { runId, graceMs: 100 });
  });
});
