import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { removeDirectory } from '../support/remove-directory.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const TSC = join(ROOT, 'node_modules/.bin/tsc');
const run = promisify(execFile);

/** An empty directory, where the packed package is installed as a user would install it. */
const directory = mkdtempSync(join(tmpdir(), 'ap-package-'));
const installed = join(directory, 'node_modules/agentpool');
const place = onePlace();
oneWorker(place);
const env: Record<string, string> = { ...place.env, PATH: process.env.PATH ?? '' };

/** Packs and installs; the packages that it needs come from the cache of npm where that has them. */
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], { cwd: ROOT });
  const packed: unknown = JSON.parse(stdout);
  const [{ filename }] = Object.values(packed as Record<string, { filename: string }>) as [{ filename: string }];
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }');
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  await run('npm', ['install', ...quiet, join(directory, filename)], { cwd: directory });
}, 240_000);
afterAll(() => removeDirectory(directory));

/** Compiles a program against the package; answers what the compiler says. */
async function compile(name: string, source: string): Promise<string> {
  const tsconfig = {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    files: [`${name}.ts`],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
  writeFileSync(join(directory, `${name}.ts`), source);
  return (await run(TSC, ['-p', directory], { cwd: directory }).catch((error: { stdout: string }) => error)).stdout;
}

/** Compiles a program and runs it to its end, which it has to find by itself. */
async function compileAndRun(name: string, source: string) {
  expect(await compile(name, source)).toBe('');
  return run(process.execPath, [`${name}.js`], { cwd: directory, env, timeout: 60_000 });
}

test('the command of a clone is on the PATH by `npm link`, as README.md says', async () => {
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('npm ci && npm run build && npm link');
  const prefix = join(directory, 'prefix');
  mkdirSync(prefix);
  const linking = { cwd: ROOT, env: { ...process.env, npm_config_prefix: prefix } };
  await run('npm', ['link', '--no-audit', '--no-fund', '--loglevel=error'], linking);
  const { stdout } = await run(join(prefix, 'bin/agentpool'), ['--version'], { cwd: directory });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe('the package, installed into an empty directory', () => {
  test('is asked by the program of docs/library.md, as it stands there', async () => {
    const [, source = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/library.md'), 'utf8')) ?? [];
    const { stdout, stderr } = await compileAndRun('example', source);
    expect(stdout).toMatch(/step 1 of 3.*step 3 of 3.*^done: /ms);
    expect(stderr).toBe('');
  });

  test('submits, follows, lists, kills and waits with types, and lets the process end', async () => {
    const long = steps({ print: 'begun\n' }, { until: '/nonexistent' });
    const source = `
      import { connect, UserError, type CustomRunners, type SubmittedRun } from 'agentpool';
      const runners: CustomRunners = { runners: { counter: { command: 'node', args: ['count.mjs'] } } };
      const pool = await connect(process.env, { principal: { name: 'nightly', scopes: ['read', 'run', 'kill'] } });
      const run: SubmittedRun = await pool.submit({ runner: 'scripted', prompt: ${JSON.stringify(long)}, agentName: 'long' });
      let output = '';
      for await (const part of pool.follow('long')) {
        output += part.output;
        if (output.includes('begun')) break;
      }
      const waited = await pool.wait(run.runId, { timeoutMs: 50 });
      const killed = await pool.kill(run.runId, { reason: 'enough' });
      const { runs } = await pool.list({ status: 'killed' });
      const { status, principal } = await pool.status(run.runId);
      const wrong = await pool.submit({ runner: 'demo', prompt: 'x', agentName: 'not a name' }).catch((error: unknown) => error);
      const { workers } = await pool.poolStatus();
      await pool.close();
      await pool.close();
      console.log(JSON.stringify({
        output, timedOut: waited.timedOut, killed: killed.killed, listed: runs.map((one) => one.runId === run.runId), status, principal,
        wrong: wrong instanceof UserError ? [wrong.code, wrong.argument] : String(wrong), workers: workers.length,
        custom: Object.keys(runners.runners ?? {}),
      }));
    `;
    const { stdout } = await compileAndRun('everything', source);
    expect(JSON.parse(stdout)).toEqual({
      output: 'begun\n',
      timedOut: true,
      killed: true,
      listed: [true],
      status: 'killed',
      principal: 'nightly',
      wrong: ['invalid_argument', 'agentName'],
      workers: 1,
      custom: ['counter'],
    });
  });

  test('refuses in its types what is no submission', async () => {
    const source = `import { connect } from 'agentpool';
      const pool = await connect();
      await pool.submit({ runner: 'demo', prompt: 5 });`;
    expect(await compile('wrong', source)).toMatch(/^wrong\.ts\(3,.*not assignable to type 'string'/);
  });

  test('has its command: npx agentpool demo', async () => {
    const home = join(directory, 'home');
    mkdirSync(home);
    const { REDIS_URL: _, AGENTPOOL_CONFIG: __, ...rest } = env;
    const demo = spawn('npx', ['agentpool', 'demo', '--json'], {
      cwd: directory,
      env: { ...rest, AGENTPOOL_HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    demo.stdout.on('data', (bytes) => {
      stdout += bytes;
    });
    expect(await once(demo, 'close')).toEqual([0, null]);
    const runs = JSON.parse(stdout) as { status: string }[];
    expect(runs.map(({ status }) => status)).toEqual(['done', 'done', 'killed']);
  });

  test('has every page and file that its pages lead to', () => {
    const pages = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.md') && !name.startsWith('node_modules'),
    );
    const dead = pages.flatMap((page) => {
      const text = readFileSync(join(installed, page), 'utf8').replaceAll(/```.*?```/gs, '');
      const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)/g)].map(([, link = '']) => link);
      return links
        .filter((link) => !existsSync(join(installed, dirname(page), link)))
        .map((link) => `${page}: ${link}`);
    });
    expect(pages.length).toBeGreaterThan(30);
    expect(dead).toEqual([]);
  });
});
