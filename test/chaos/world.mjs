import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { startSilentProxy } from '../support/silent-proxy.mjs';
import { startRedis } from './redis.mjs';

/** The command line, as it was built. */
export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const AGENT = fileURLToPath(new URL('../fixtures/agents/scripted.mjs', import.meta.url));

/**
 * A private Redis, workers on hosts (`workers` has the host of each), and an MCP server: everything that the faults hit.
 * With `managed` it is a master with a replica behind one address, as a provider gives it: a proxy that can fall silent
 * and follows the master. Figures of speed are taken without. `runners` are there besides `scripted` and `shell`;
 * `envOf` is what the worker of a host has besides the `env` of all.
 */
export async function makeWorld({
  workers: hosts,
  env: extraEnv = {},
  envOf = () => ({}),
  runners: extraRunners = {},
  managed = false,
}) {
  const root = mkdtempSync(join(tmpdir(), 'ap-chaos-'));
  const work = join(root, 'work');
  mkdirSync(work);
  const runners = {
    scripted: { command: 'node', args: [AGENT], output: { format: 'text' } },
    shell: { command: 'sh', args: ['-s'] },
    ...extraRunners,
  };
  const config = join(root, 'agentpool.config.json');
  writeFileSync(config, JSON.stringify({ runners }));
  const address = join(root, managed ? 'address.sock' : 'redis.sock');
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    REDIS_URL: `unix://${address}`,
    AGENTPOOL_CONFIG: config,
    AGENTPOOL_ALLOWED_PATHS: work,
    AGENTPOOL_CONCURRENCY: '12',
    AGENTPOOL_HEARTBEAT_MS: '1000',
    AGENTPOOL_LOCK_MS: '8000',
    AGENTPOOL_LOG_LEVEL: 'warn',
    ...extraEnv,
  };
  const log = openSync(join(root, 'workers.log'), 'a');
  const redis = await startRedis(root, { withReplica: managed });
  const proxy = managed ? await startSilentProxy({ path: redis.socket() }, address) : undefined;
  const home = (host) => join(root, `h${host}`);
  const workers = await Promise.all(
    hosts.map((host) =>
      startWorker(
        { ...env, AGENTPOOL_HOME: home(host), AGENTPOOL_HOST_NAME: `host${host}`, ...envOf(host) },
        work,
        log,
      ),
    ),
  );
  const mcp = await startMcp({ ...env, AGENTPOOL_HOME: join(root, 'mcp') }, work);
  return {
    root,
    work,
    env,
    redis,
    proxy,
    workers,
    mcp,
    spools: [...new Set(hosts)].map((host) => join(home(host), 'spool')),
    async end({ keep }) {
      await mcp.end();
      await Promise.all(workers.map((worker) => worker.end()));
      await proxy?.stop();
      await redis.end();
      if (!keep) rmSync(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Keeps a worker running, as a service manager would: one that ends by itself, since Redis is away, is started again. */
async function startWorker(env, cwd, log) {
  let child;
  let exited;
  let busy = false;
  let wanted = true;
  const crashes = [];
  const startOnce = async () => {
    const started = spawn(process.execPath, [MAIN, 'worker', '--json'], { cwd, env, stdio: ['ignore', 'pipe', log] });
    child = started;
    wanted = true;
    exited = once(started, 'exit');
    const isReady = await Promise.race([once(started.stdout, 'data').then(() => true), exited.then(() => false)]);
    if (isReady) started.once('exit', (code) => wanted && crashes.push(code));
    return isReady;
  };
  const start = async () => {
    while (!(await startOnce())) {
      if (child.exitCode === 78)
        throw new Error('the worker refuses its configuration; the log of the workers says why');
      await pause(200);
    }
  };
  await start();
  /** One fault at a time; false when the host is just suffering from another one. */
  const suffer = async (action) => {
    if (busy) return false;
    busy = true;
    try {
      await action();
      return true;
    } finally {
      busy = false;
    }
  };
  const replace = (signal, ms) =>
    suffer(async () => {
      wanted = false;
      child.kill(signal);
      await exited;
      await pause(ms);
      await start();
    });
  return {
    pid: () => child.pid,
    /** It has been started, whether it is ready or not. */
    isUp: () => child.exitCode === null && child.signalCode === null,
    kill: (ms) => replace('SIGKILL', ms),
    stop: (ms) => replace('SIGTERM', ms),
    pause: (ms) =>
      suffer(async () => {
        child.kill('SIGSTOP');
        await pause(ms);
        child.kill('SIGCONT');
      }),
    async settled() {
      while (busy) await pause(20);
      if (child.exitCode !== null || child.signalCode !== null) await start();
    },
    async end() {
      wanted = false;
      child.kill('SIGKILL');
      await exited;
    },
    /** Exit codes of workers that ended although nobody had ended them. */
    crashes,
  };
}

/** A client whose server may be killed at any moment; a call is repeated until it is answered. */
async function startMcp(env, cwd) {
  let client;
  let transport;
  let opening;
  const open = async () => {
    client = new Client({ name: 'chaos', version: '1' });
    transport = new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, 'mcp'],
      cwd,
      env,
      stderr: 'ignore',
    });
    await client.connect(transport);
  };
  /** Many calls fail together when their server dies; only the first of them opens a new one. */
  const reopenAfter = (failed) => {
    if (client !== failed) return opening ?? Promise.resolve();
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  };
  await open();
  return {
    kill() {
      if (transport.pid) process.kill(transport.pid, 'SIGKILL');
    },
    /** Asks until there is an answer; `clientToken` makes that safe for `run_agent`. */
    async call(name, args) {
      for (;;) {
        await opening?.catch(() => {});
        const used = client;
        try {
          const answer = await used.callTool({ name, arguments: args }, undefined, { timeout: 30_000 });
          const body = answer.structuredContent;
          if (!answer.isError) return body;
          if (!['redis_unreachable', 'redis_refused'].includes(body.code))
            throw Object.assign(new Error(`${name}: ${body.message}`), { final: true });
        } catch (error) {
          if (error.final) throw error;
          if (process.env.CHAOS_DEBUG) process.stderr.write(`${name}: ${error.message}\n`);
          await reopenAfter(used).catch(() => {});
        }
        await pause(100);
      }
    },
    end: () => client.close(),
  };
}
