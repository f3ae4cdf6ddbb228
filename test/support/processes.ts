import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { startBalancer } from './balancer.js';
import { bearerOf, rememberToken } from './http-token.js';
import type { Place } from './pool.js';

export const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As whom a process of ours runs. */
export interface Conditions {
  /** Of user and group; only root can choose. */
  readonly uid?: number;
  /** What its command line begins with, as `ip netns exec`. */
  readonly within?: readonly string[];
}

/** Runs `agentpool ...` to its end, as a person or a script would. `main`: of another release. */
export async function agentpool(
  place: Place,
  args: readonly string[],
  stdin = '',
  main = MAIN,
  { uid }: Conditions = {},
): Promise<Finished> {
  const as = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, [main, ...args], { cwd: place.work, env: place.env, ...as });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  child.stdin.on('error', () => {}); // it may end before it has read everything
  child.stdin.end(stdin);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface Started {
  readonly child: ChildProcess;
  /** The line that it printed when it was ready. */
  readonly line: string;
  /** What it has printed on stderr so far. */
  log(): string;
  /** Ends it with a signal and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a long-lived `agentpool ...` and waits for its first line on stdout. `main`: of another release. */
export async function startAgentpool(
  place: Place,
  args: readonly string[],
  main = MAIN,
  { uid, within = [] }: Conditions = {},
): Promise<Started> {
  const as = uid === undefined ? {} : { uid, gid: uid };
  const [program = '', ...rest] = [...within, process.execPath, main, ...args];
  const child = spawn(program, rest, {
    cwd: place.work,
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...as,
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const exited = once(child, 'exit');
  const line = await Promise.race([
    once(child.stdout, 'data').then(([bytes]) => String(bytes).trim()),
    exited.then(() => Promise.reject(new Error(`agentpool ${args.join(' ')} ended: ${stderr}`))),
  ]);
  return {
    child,
    line,
    log: () => stderr,
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      await exited;
    },
  };
}

export const startWorkerProcess = (place: Place, ...args: string[]) =>
  startAgentpool(place, ['worker', '--json', ...args]);

/** The HTTP server, on a free port. */
export async function startServeProcess(place: Place): Promise<Started & { readonly url: string }> {
  const started = await startAgentpool(place, ['serve', '--port', '0', '--json']);
  const { url, link } = JSON.parse(started.line) as { url: string; link?: string };
  if (link !== undefined) rememberToken(url, place);
  return { ...started, url };
}

export type Facts = Record<string, unknown>;
export interface McpSession {
  readonly client: Client;
  /** The pid of the MCP server. */
  readonly pid: number;
  /** Calls a tool; an `isError` answer is thrown as an Error with its code and hint. */
  call<Answer = Facts>(name: string, args: Facts): Promise<Answer>;
  close(): Promise<void>;
}

/** A way from a client to servers of its own. */
interface Way {
  readonly transport: Transport;
  pid(): number;
  end(): Promise<void>;
}

async function onStdio(place: Place): Promise<Way> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MAIN, 'mcp'],
    cwd: place.work,
    env: place.env,
    stderr: 'inherit',
  });
  return { transport, pid: () => transport.pid ?? 0, end: async () => {} };
}

/** Two servers behind a balancer: each request goes to the other one. */
async function overReplicas(place: Place): Promise<Way> {
  const [one, other] = await Promise.all([startServeProcess(place), startServeProcess(place)]);
  const balancer = await startBalancer(one.url, other.url);
  return {
    transport: new StreamableHTTPClientTransport(new URL('/mcp', balancer.url), {
      requestInit: { headers: bearerOf(place) },
    }) as Transport,
    pid: () => one.child.pid ?? 0,
    async end() {
      await balancer.stop();
      await Promise.all([one.end(), other.end()]);
    },
  };
}

/** A real MCP client, with its server as a process of its own: on stdio, unless TEST_MCP says `replicas`. */
export async function openMcp(place: Place, name = 'test'): Promise<McpSession> {
  const client = new Client({ name, version: '1' });
  const way = await (process.env.TEST_MCP === 'replicas' ? overReplicas : onStdio)(place);
  await client.connect(way.transport);
  return {
    client,
    pid: way.pid(),
    async call<Answer>(tool: string, args: Facts) {
      const answer = await client.callTool({ name: tool, arguments: args }, undefined, { timeout: 120_000 });
      const body = answer.structuredContent as Facts;
      if (answer.isError) throw Object.assign(new Error(String(body.message)), body);
      return body as Answer;
    },
    async close() {
      await client.close();
      await way.end();
    },
  };
}

/** Waits for a fact; the one way in which tests wait. Throws after the time (ms) with what was seen last. */
export async function eventually<Value>(
  look: () => Value | Promise<Value>,
  holds: (value: Value) => boolean = Boolean,
  withinMs = 30_000,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`it did not come true within ${withinMs} ms; last seen: ${JSON.stringify(value)}`);
    await pause(10);
  }
}
