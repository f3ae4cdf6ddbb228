import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import Table from 'cli-table3';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { bearerOf } from '../support/http-token.js';
import { makePlace } from '../support/pool.js';
import { eventually, MAIN, type Started, startServeProcess, startWorkerProcess } from '../support/processes.js';
import { CASES, CHOSEN, CLIENTS, folderOf, NODE, type TestedClient } from './clients.js';

const { directory, missing } = inject('clients');
/** One call blocks no longer, so that waiting goes on over several of them (ms). */
const place = makePlace({ AGENTPOOL_WAIT_CAP_MS: '1500', AGENTPOOL_CONCURRENCY: '8' });
const ours = (name: string) => new URL(name, import.meta.url).pathname;
const table = new Map<string, Map<string, string>>();
let worker: Started;
let server: Started & { readonly url: string };

beforeAll(async () => {
  [worker, server] = await Promise.all([startWorkerProcess(place), startServeProcess(place)]);
});
afterAll(async () => {
  print();
  await Promise.all([worker.end(), server.end()]);
  place.clean();
});

interface Outcome {
  readonly case: string;
  readonly outcome: string;
  readonly ms: number;
}

const nodeFor = ({ newerNode }: TestedClient) =>
  newerNode ? join(directory, folderOf(NODE), 'node_modules', NODE.program) : process.execPath;

/** The program of an installed package: the first that its manifest names. */
function programOf(client: TestedClient, name: string): string {
  const root = join(directory, folderOf(client), 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  return join(root, typeof bin === 'string' ? bin : (bin[name] ?? Object.values(bin)[0] ?? ''));
}

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  listening.close();
  return port;
}

/** What the scenario is told of the way to agentpool, and what was started for that. */
async function targetOf(client: TestedClient): Promise<{ target: object; started?: ChildProcess }> {
  const { reached, revision } = client;
  const tools = TOOLS.map(({ name }) => name);
  const env = { ...place.env, PATH: `${process.env.PATH}` };
  const command = process.execPath;
  if (reached.kind === 'stdio')
    return { target: { tools, revision, command, args: [MAIN, 'mcp'], env: place.env, cwd: place.work } };
  if (reached.kind === 'http') return { target: { tools, url: `${server.url}/mcp`, headers: bearerOf(place) } };
  if (reached.kind === 'bridge') {
    const { authorization = '' } = bearerOf(place);
    const args = [programOf(client, reached.program), ...reached.args(`${server.url}/mcp`, authorization)];
    return { target: { tools, command, args, env: { ...env, HOME: place.env.HOME } } };
  }
  const port = await freePort();
  const args = [programOf(client, reached.program), ...reached.args(port, [command, MAIN, 'mcp'])];
  const started = spawn(command, args, { cwd: place.work, env, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/mcp`;
  await eventually(async () => (await fetch(url).catch(() => undefined)) !== undefined).catch((error: unknown) => {
    started.kill('SIGKILL');
    throw error;
  });
  return { target: { tools, url, headers: {} }, started };
}

/** No client is to report the use that is made of it here. */
const NO_TELEMETRY = { DO_NOT_TRACK: '1', MCP_USE_ANONYMIZED_TELEMETRY: 'false', MASTRA_TELEMETRY_DISABLED: '1' };

/** Goes through the scenario in a process of its own, beside the packages of the client. */
async function outcomesOf(client: TestedClient): Promise<readonly Outcome[]> {
  const folder = join(directory, folderOf(client));
  mkdirSync(folder, { recursive: true });
  const files = [...(client.python ? [] : ['scenario.mjs']), `drivers/${client.driver}`];
  for (const file of files) copyFileSync(ours(file), join(folder, file.replace('drivers/', '')));
  const { target, started } = await targetOf(client);
  const args = [...files.map((file) => join(folder, file.replace('drivers/', ''))), JSON.stringify(target)];
  const env = { ...process.env, ...NO_TELEMETRY };
  const program = client.python ? join(folder, 'bin', 'python') : nodeFor(client);
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let said = '';
  child.stdout.on('data', (bytes) => {
    printed += bytes;
  });
  child.stderr.on('data', (bytes) => {
    said = (said + bytes).slice(-2_000);
  });
  await once(child, 'close');
  if (started?.exitCode === null) {
    started.kill('SIGKILL');
    await once(started, 'exit');
  }
  const outcomes = printed
    .split('\n')
    .filter((line) => line.startsWith('{"case"'))
    .map((line) => JSON.parse(line) as Outcome);
  if (outcomes.length === 0) throw new Error(`the scenario could not begin: ${said}`);
  return outcomes;
}

/** Clients down, cases across. */
function print(): void {
  const cells = new Table({ head: ['client', ...CASES], style: { head: [], border: [] } });
  const notes: string[] = [];
  for (const [name, row] of table)
    cells.push([
      name,
      ...CASES.map((one) => {
        const outcome = row.get(one) ?? '';
        return /^(ok|-)/.test(outcome) || outcome === ''
          ? outcome
          : `FAILED ${notes.push(`${name}, ${one}: ${outcome}`)})`;
      }),
    ]);
  process.stderr.write(`\n${cells.toString()}\n${notes.map((note, at) => `${at + 1}) ${note}\n`).join('')}`);
}

describe.each(CHOSEN)('$name', (client) => {
  const why =
    missing[client.name] ??
    (client.newerNode && !existsSync(nodeFor(client)) ? `it wants a newer Node: ${missing.node}` : undefined);
  let outcomes: readonly Outcome[] = [];
  beforeAll(async () => {
    const row = new Map<string, string>();
    table.set(client.name, row);
    for (const one of CASES) row.set(one, why === undefined ? 'not reached' : '-');
    if (why !== undefined) return;
    outcomes = await outcomesOf(client);
    for (const { case: one, outcome, ms } of outcomes)
      row.set(one, outcome === 'ok' ? `ok ${(ms / 1000).toFixed(1)} s` : outcome);
  });

  test.for(CASES)('%s', (one, context) => {
    if (why !== undefined) context.skip(why);
    expect(outcomes.find(({ case: name }) => name === one)?.outcome ?? 'not reached').toBe('ok');
  });
});

test('docs/clients.md has every client with its version', () => {
  const page = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  const versions = CLIENTS.map(({ packages: [first], revision }) => revision ?? first?.split(/@|==/).at(-1) ?? '');
  expect(versions.filter((version) => !page.includes(version))).toEqual([]);
});
