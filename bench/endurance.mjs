// Whether a pool stays as it is: 10,000 runs of an empty program on three workers, three times over, submitted over HTTP.
// Each run is accounted for, and after each round, when the records have gone, Redis, server and workers are measured.
//   npm run endurance -- --runs 1000 --rounds 3
// Exits with 1 when a run was lost or started twice, or when something has grown from the first round to the last.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MAIN, makeWorld } from '../test/chaos/world.mjs';
import { connectTo } from './bare-bullmq.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '3' } },
});
const RUNS = Number(values.runs);
const ROUNDS = Number(values.rounds);
const HOSTS = [0, 1, 2];
const AT_ONCE = 16;
const TOKEN = 'endurance';
/** Records go after this; the rest of a run when a worker sweeps, every 5 minutes. */
const KEPT_MS = 30_000;
const GONE_WITHIN_MS = 12 * 60_000;
/** What is taken for flat, from the first round to the last: a fifth more, and a few MiB that are there whatever happens. */
const GROWTH = 1.2;
const SLACK_MIB = 8;

const say = (words) => process.stdout.write(`${words}\n`);
const socketOf = (host) => join(sockets, `figures-${host}.sock`);
const sockets = spawnSync('mktemp', ['-d'], { encoding: 'utf8' }).stdout.trim();
const world = await makeWorld({
  workers: HOSTS,
  env: {
    AGENTPOOL_CONCURRENCY: '6',
    AGENTPOOL_RECORD_RETENTION_MS: String(KEPT_MS),
    AGENTPOOL_OUTPUT_RETENTION_MS: String(KEPT_MS),
    AGENTPOOL_SESSION_RETENTION_MS: String(KEPT_MS),
    AGENTPOOL_REQUESTS_PER_SECOND: '100000',
    AGENTPOOL_MAX_QUEUED_RUNS: '1000000',
    AGENTPOOL_TOKENS: `endurance:read+run+metrics+admin:${createHash('sha256').update(TOKEN).digest('hex')}`,
  },
  envOf: (host) => ({ AGENTPOOL_WORKER_HEALTH: socketOf(host) }),
});
const redis = connectTo(world);
const redisPid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
const authorization = `Bearer ${TOKEN}`;
const server = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--json'], {
  cwd: world.work,
  env: { ...world.env, AGENTPOOL_HOME: join(world.root, 'server') },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [line] = await once(server.stdout, 'data');
const { url } = JSON.parse(String(line));

async function openClient() {
  const client = new Client({ name: 'endurance', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers: { authorization } } }),
  );
  return client;
}

const marks = join(world.work, 'marks');
const PROMPT = `echo "$AGENTPOOL_RUN" >>${marks}`;

async function submitOne(client) {
  const answer = await client.callTool({ name: 'run_agent', arguments: { runner: 'shell', prompt: PROMPT } });
  if (answer.isError) throw new Error(JSON.stringify(answer.structuredContent));
  return answer.structuredContent.runId;
}

/** Submits so many; answers their ids. */
async function submitAll(count) {
  const ids = [];
  let left = count;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const client = await openClient();
      while (left-- > 0) ids.push(await submitOne(client));
      await client.close();
    }),
  );
  return ids;
}

/** How many runs have ended on all workers so far, by state. */
async function endedByState() {
  const counts = {};
  for (const host of HOSTS) {
    const asked = request({ socketPath: socketOf(host), path: '/metrics', headers: { authorization } }).end();
    const [answer] = await once(asked, 'response');
    const body = await text(answer);
    if (answer.statusCode !== 200) throw new Error(`the figures of host${host} cannot be had: ${body}`);
    for (const [, state, count] of body.matchAll(/^agentpool_worker_runs_ended_total\{.*state="(\w+)".*\} (\d+)$/gm))
      counts[state] = (counts[state] ?? 0) + Number(count);
  }
  return counts;
}

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

async function until(holds, withinMs, what) {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not come true within ${withinMs / 1_000} s: ${what}`);
    await pause(250);
  }
}

const rssMiB = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
const infoMiB = (info, name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]) / 1_048_576;

/** What everything takes at this moment. Of the workers, which do the same, the one that has most: each gives memory back in its own time. */
async function measure() {
  const info = await redis.info('memory');
  const workers = world.workers.map((one) => one.pid());
  return {
    'Redis, keys': await redis.dbsize(),
    'Redis, used (MiB)': infoMiB(info, 'used_memory'),
    'Redis, resident (MiB)': rssMiB(redisPid),
    'Redis, descriptors': descriptors(redisPid),
    'server, resident (MiB)': rssMiB(server.pid),
    'server, descriptors': descriptors(server.pid),
    'largest worker, resident (MiB)': Math.max(...workers.map(rssMiB)),
    'largest worker, descriptors': Math.max(...workers.map(descriptors)),
  };
}

async function round(number) {
  rmSync(marks, { force: true });
  const before = await endedByState();
  const begun = performance.now();
  const ids = await submitAll(RUNS);
  await until(async () => sum(await endedByState()) - sum(before) >= RUNS, RUNS * 1_000 + 60_000, 'all runs end');
  const seconds = (performance.now() - begun) / 1_000;
  const after = await endedByState();
  const started = existsSync(marks) ? readFileSync(marks, 'utf8').trim().split('\n') : [];
  const lost = ids.filter((id) => !new Set(started).has(id)).length;
  const result = {
    submitted: new Set(ids).size,
    started: started.length,
    twice: started.length - new Set(started).size,
    done: (after.done ?? 0) - (before.done ?? 0),
    ended: sum(after) - sum(before),
    lost,
  };
  const speed = `${(RUNS / seconds).toFixed(0)} runs a second, load ${loadavg()[0].toFixed(1)}`;
  say(`round ${number}: ${JSON.stringify(result)}, ${speed}`);
  const { submitted, twice, done, ended } = result;
  const whole = submitted === RUNS && started.length === RUNS && twice === 0 && done === RUNS && ended === RUNS;
  return { whole: whole && lost === 0 };
}

await submitAll(60); // what is loaded and opened once
await until(async () => sum(await endedByState()) >= 60, 60_000, 'the first runs end');
const atFirst = await measure();
say(JSON.stringify(atFirst));
const rounds = [];
let whole = true;
for (let number = 1; number <= ROUNDS; number += 1) {
  whole = (await round(number)).whole && whole;
  const isGone = async () => {
    await pause(2_000); // the question costs Redis something, too
    const jobs = await redis.zcard('{agentpool:runs.shell}:runs.shell:completed');
    return jobs <= RUNS / 100 && (await redis.keys('agentpool:run*')).length <= 20;
  };
  await until(isGone, GONE_WITHIN_MS, 'records and jobs have gone, and the sweep was here');
  rounds.push(await measure());
  say(JSON.stringify(rounds.at(-1)));
}
server.kill('SIGKILL');
await once(server, 'exit');
redis.disconnect();
await world.end({ keep: false });
rmSync(sockets, { recursive: true, force: true });

const [first] = rounds;
const last = rounds.at(-1);
const grown = Object.keys(first).filter(
  (name) => last[name] > first[name] * GROWTH + (name.includes('MiB') ? SLACK_MIB : 4),
);
const shown = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
say(`\n| After round | ${rounds.map((_, at) => at + 1).join(' | ')} |\n| --- |${' ---: |'.repeat(ROUNDS)}`);
for (const name of Object.keys(first)) say(`| ${name} | ${rounds.map((one) => shown(one[name])).join(' | ')} |`);
say(`\n${whole ? 'every run was started once and is done' : 'runs were lost, doubled or not done: see above'}`);
say(grown.length === 0 ? 'nothing has grown' : `grown: ${grown.join(', ')}`);
process.exit(whole && grown.length === 0 ? 0 : 1);
