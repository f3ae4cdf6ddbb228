import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from '../../src/shared/pool.js';
import type { Run } from '../../src/shared/run.js';
import { isEnded } from '../../src/shared/run-state.js';
import { claude, installClaudeStandIn } from '../support/claude-stand-in.js';
import { connect, makePlace, type Place, steps } from '../support/pool.js';
import {
  agentpool,
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startAgentpool,
} from '../support/processes.js';
import { startRedisBy, type TestRedis } from '../support/redis-server.js';
import { removeDirectory } from '../support/remove-directory.js';
import { buildEarlierRelease, type EarlierRelease, whyNoEarlierRelease } from './earlier-release.js';
import { makeNetwork, type Network, whyNoNetwork } from './network.js';
import { startPrometheus, whyNoPrometheus } from './prometheus.js';

const HOSTS = ['build-1', 'build-2', 'build-3'] as const;
const TOKEN = 'of-prometheus';
const CALLER = 'of-a-caller';
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex');
const REDIS_PORT = 6379;
const FIGURES_PORT = 9464;

const reason = whyNoNetwork();
if (reason) console.info(`skipped: ${reason}`);
const noEarlier = whyNoEarlierRelease();
if (noEarlier) console.info(`skipped: ${noEarlier}`);
const promtool = spawnSync('promtool', ['--version']).error === undefined;
if (!promtool)
  console.info('figures are scraped and not checked: Prometheus is not installed, so there is no promtool');

const noPrometheus = whyNoPrometheus();
if (noPrometheus) console.info(`skipped: nobody scrapes the pool: ${noPrometheus}`);

let network: Network;
let redis: TestRedis;
let directory: string;
/** Where runs are submitted: beside Redis, by its socket. */
let place: Place;
let pool: Pool;
let mcp: McpSession;
/** Is being built while the other tests go on. */
let earlier: Promise<EarlierRelease> | undefined;
const places = new Map<string, Place>();
const workers = new Map<string, Started>();

beforeAll(async () => {
  if (reason) return;
  if (!noEarlier) earlier = buildEarlierRelease();
  earlier?.catch(() => {}); // told by the test that wants it
  network = makeNetwork(HOSTS);
  directory = mkdtempSync(join(tmpdir(), 'ap-hosts-'));
  redis = await startRedisOn(network);
  const shared = {
    AGENTPOOL_HEARTBEAT_MS: '1000',
    AGENTPOOL_CONCURRENCY: '8',
    AGENTPOOL_LOG_LEVEL: 'info',
    AGENTPOOL_POOL_CONCURRENCY: 'plain-text=9',
    AGENTPOOL_TOKENS: [`prometheus:metrics:${hash(TOKEN)}`, `caller:read+run+kill:${hash(CALLER)}`].join(),
  };
  place = makePlace({ ...shared, AGENTPOOL_LOG_LEVEL: 'error' }, redis.url);
  const { AGENTPOOL_PREFIX = '', AGENTPOOL_ALLOWED_PATHS = '' } = place.env;
  for (const host of HOSTS) {
    const AGENTPOOL_WORKER_HEALTH = `${network.addressOf(host)}:${FIGURES_PORT}`;
    const own = { ...shared, AGENTPOOL_PREFIX, AGENTPOOL_ALLOWED_PATHS, AGENTPOOL_WORKER_HEALTH };
    const made = makePlace(own, `redis://${network.address}:${REDIS_PORT}`);
    installClaudeStandIn(made);
    places.set(host, made);
  }
  pool = await connect(place);
  await Promise.all(HOSTS.map((host) => startWorkerOn(host)));
  mcp = await openMcp(place);
});
afterAll(async () => {
  if (reason) return;
  await mcp.close();
  await Promise.all([...workers.values()].map((worker) => worker.end('SIGKILL')));
  await pool.stop();
  await redis.stop();
  network.clean();
  for (const own of [place, ...places.values()]) own.clean();
  await earlier?.then(
    ({ clean }) => clean(),
    () => {},
  );
  removeDirectory(directory);
});

function startRedisOn({ onSwitch }: Network): Promise<TestRedis> {
  const open = ['--port', String(REDIS_PORT), '--bind', '0.0.0.0', '--protected-mode', 'no'];
  return startRedisBy(onSwitch, ...open, '--maxmemory-policy', 'noeviction', '--maxmemory', '1gb');
}

/** Starts the worker of a host; one that is there leaves its programs to it. `main`: of another release. */
async function startWorkerOn(host: string, main?: string): Promise<void> {
  const own = places.get(host);
  if (!own) throw new Error(`there is no host ${host}`);
  await workers.get(host)?.end();
  const { AGENTPOOL_WORKER_HEALTH, AGENTPOOL_TOKENS, AGENTPOOL_POOL_CONCURRENCY, ...settings } = own.env; // it knew none of these
  const as = main === undefined ? own : { ...own, env: settings };
  const started = await startAgentpool(as, ['worker', '--json'], main, { within: network.onHost(host) });
  expect(JSON.parse(started.line)).toMatchObject({ host });
  workers.set(host, started);
}

interface Submitted extends Facts {
  readonly runId: string;
}

const marksOf = (name: string) => join(place.work, `marks-${name}`);

/** A run that marks its start, prints numbered lines for some time, and names its host. */
async function submit(name: string, seconds: number, more: Facts = {}): Promise<string> {
  const lines = { lines: { count: seconds * 10, everyMs: 100, bytes: 40 } };
  const prompt = steps({ mark: marksOf(name) }, lines, { hostname: true });
  const asked = { runner: 'scripted', agentName: name, prompt, ...more };
  return (await mcp.call<Submitted>('run_agent', asked)).runId;
}

const names = (what: string, count: number) => Array.from({ length: count }, (_, at) => `${what}-${at}`);

async function ended(runId: string): Promise<Run> {
  return (await eventually(
    () => pool.runs.get(runId),
    (run) => run !== undefined && isEnded(run.state),
    90_000,
  )) as Run;
}

/** Each of these runs was started once, is done, and has every line once. */
async function expectWhole(runs: ReadonlyMap<string, string>, seconds: number): Promise<Run[]> {
  const all = await Promise.all([...runs.values()].map(ended));
  expect(all.map(({ state, failure }) => [state, failure])).toEqual(all.map(() => ['done', undefined]));
  for (const [name, runId] of runs) {
    expect(readFileSync(marksOf(name), 'utf8').trim().split('\n')).toHaveLength(1);
    const { output } = await mcp.call<{ output: string }>('stream_agent_output', { runId, view: 'raw' });
    const numbers = [...output.matchAll(/^line (\d+)/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: seconds * 10 }, (_, at) => at + 1));
    expect(output.trim().split('\n').at(-1)).toBe(all.find(({ id }) => id === runId)?.host);
  }
  return all;
}

async function submitAll(what: string, count: number, seconds: number, where: readonly string[] = []) {
  const asked = names(what, count).map(async (name, at) => {
    const host = where[at % where.length];
    return [name, await submit(name, seconds, host === undefined ? {} : { host })] as const;
  });
  return new Map(await Promise.all(asked));
}

const busyHosts = async (runs: ReadonlyMap<string, string>) =>
  new Set((await Promise.all([...runs.values()].map((id) => pool.runs.get(id)))).map((run) => run?.host));

describe.skipIf(reason !== undefined)('three hosts', () => {
  it('are known by their own names, and a run that is for one of them runs there', async () => {
    const runs = new Map(
      await Promise.all(HOSTS.map(async (host) => [`for-${host}`, await submit(`for-${host}`, 1, { host })] as const)),
    );
    const all = await expectWhole(runs, 1);
    expect(all.map(({ host }) => host)).toEqual([...HOSTS]);
  });

  it('are drained one at a time: its runs end, new ones go elsewhere, and it is back afterwards', async () => {
    const there = new Map([['before', await submit('before', 3, { host: 'build-1' })]]);
    await eventually(async () => (await pool.runs.get(there.get('before') ?? ''))?.pid);
    const drained = agentpool(place, ['drain', 'build-1', '--timeout', '60s']);
    await eventually(
      async () => (await agentpool(place, ['workers'])).stdout,
      (shown) => shown.includes('cordoned'),
    );
    const elsewhere = await submitAll('meanwhile', 6, 1);
    expect((await expectWhole(elsewhere, 1)).map(({ host }) => host)).not.toContain('build-1');
    expect(await drained).toMatchObject({ code: 0 });
    await expectWhole(there, 3);
    expect(await agentpool(place, ['uncordon', 'build-1'])).toMatchObject({ code: 0 });
    await expectWhole(new Map([['after', await submit('after', 1, { host: 'build-1' })]]), 1);
  });

  it('lose no run, no line and start none twice when the cable of one is drawn for a while', async () => {
    const runs = await submitAll('cut', 18, 6);
    await eventually(
      () => busyHosts(runs),
      (hosts) => HOSTS.every((host) => hosts.has(host)),
    );
    network.cut('build-3');
    const there: string[] = [];
    for (const id of runs.values()) if ((await pool.runs.get(id))?.host === 'build-3') there.push(id);
    const orphaned = await eventually(
      async () => (await Promise.all(there.map((id) => pool.runs.get(id)))).filter((run) => run?.state === 'orphaned'),
      (found) => found.length === there.length,
      60_000,
    );
    expect(orphaned.length).toBeGreaterThan(0);
    const meanwhile = await submitAll('while-cut', 4, 1);
    expect((await expectWhole(meanwhile, 1)).map(({ host }) => host)).not.toContain('build-3');
    network.join('build-3');
    await expectWhole(runs, 6);
  });

  it('and the server tell figures over the network, in good form, that add up', async () => {
    const server = await startAgentpool(place, ['serve', '--port', '0', '--json'], undefined, {
      within: network.onSwitch,
    });
    const { url } = JSON.parse(server.line) as { url: string };
    const from = [
      `${url}/metrics`,
      ...HOSTS.map((host) => `http://${network.addressOf(host)}:${FIGURES_PORT}/metrics`),
    ];
    const bodies = from.map(scrape);
    await server.end();
    for (const input of promtool ? bodies : []) {
      const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      expect(`${stdout}${stderr}`.split('\n').filter((line) => /agentpool_/.test(line))).toEqual([]);
    }
    const done = bodies
      .slice(1)
      .map((body) => sum(body, /^agentpool_worker_runs_ended_total\{.*state="done".*\} (\d+)$/gm));
    expect(done.every((count) => count > 0)).toBe(true);
    expect(done.reduce((total, count) => total + count, 0)).toBe(await pool.runs.indexes.count('done'));
  });

  it.skipIf(noPrometheus !== undefined)(
    'are scraped by a Prometheus with the configuration of deploy, which has an answer to all that dashboard and alerts ask',
    async () => {
      const on = { within: network.onSwitch };
      const server = await startAgentpool(place, ['serve', '--port', '0', '--json'], undefined, on);
      const { url } = JSON.parse(server.line) as { url: string };
      const prometheus = await startPrometheus(network, join(directory, 'prometheus'), {
        server: new URL(url).host,
        workers: HOSTS.map((host) => `${network.addressOf(host)}:${FIGURES_PORT}`),
        token: TOKEN,
      });
      try {
        await oneOfEach(url);
        expect(await agentpool(place, ['cordon', 'build-2'])).toMatchObject({ code: 0 });
        const up = await eventually(
          () => prometheus.query(['up'])[0]?.result.map(({ value }) => value[1]),
          (values) => values?.length === 4 && values.every((value) => value === '1'),
          60_000,
        );
        expect(up).toEqual(['1', '1', '1', '1']);

        // Twice scraped is what a rate needs.
        const unanswered = await eventually(
          () => {
            const answers = prometheus.query(dashboard.map(({ expr }) => expr));
            return dashboard.filter((_, at) => answers[at]?.result.length === 0).map(({ title }) => title);
          },
          (titles) => titles.length === 0,
          60_000,
        );
        expect([dashboard.length > 25, unanswered]).toEqual([true, []]);

        const { groups } = await eventually(
          () => prometheus.ask<Rules>(['/api/v1/rules'])[0] as Rules,
          (rules) => rules.groups[0]?.rules.every(({ health }) => health !== 'unknown') === true && isPending(rules),
          60_000,
        );
        const rules = groups.flatMap((group) => group.rules);
        expect(rules.length).toBeGreaterThanOrEqual(10);
        expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
        expect(rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name)).toEqual([
          'AgentpoolCordonedForLong',
        ]);
      } finally {
        await prometheus.end();
        await server.end();
        expect(await agentpool(place, ['uncordon', 'build-2'])).toMatchObject({ code: 0 });
      }
    },
  );

  it.skipIf(noEarlier !== undefined)(
    'are upgraded from an earlier release one by one, and back, while they work',
    async () => {
      const release = await earlier;
      const before = await submitAll('by-newer', 12, 12, HOSTS);
      await eventually(
        () => busyHosts(before),
        (hosts) => HOSTS.every((host) => hosts.has(host)),
      );
      for (const host of HOSTS) await startWorkerOn(host, release?.main);
      const between = await submitAll('by-earlier', 12, 12, HOSTS);
      await eventually(
        () => busyHosts(between),
        (hosts) => HOSTS.every((host) => hosts.has(host)),
      );
      for (const host of HOSTS) {
        await startWorkerOn(host);
        await pause(500); // both releases work beside each other
      }
      await expectWhole(before, 12);
      await expectWhole(between, 12);
      await expectWhole(await submitAll('at-last', 3, 1), 1);
    },
  );
});

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[];
  }[];
}
const isPending = ({ groups }: Rules) =>
  groups.some(({ rules }) =>
    rules.some(({ name, state }) => name === 'AgentpoolCordonedForLong' && state === 'pending'),
  );

/** The expressions of the dashboard, with the time that Grafana puts in. */
const dashboard = (
  JSON.parse(readFileSync(new URL('../../deploy/grafana/agentpool.json', import.meta.url), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  }
).panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({ title, expr: expr.replaceAll('$__rate_interval', '1m') })),
);

/** On each host: a run that is done and paid for, one that fails, and one that is killed; and a call that is refused. */
async function oneOfEach(url: string): Promise<void> {
  const paid = claude.result('ok', {
    usage: { input_tokens: 1, output_tokens: 1 },
    model_usage_since_last_result: { 'some-model': { costUSD: 0.01 } },
  });
  for (const host of HOSTS) {
    const done = await submit('paid', 0, { host, runner: 'claude', prompt: steps(paid) });
    const fails = await submit('fails', 0, { host, prompt: steps({ exit: 3 }) });
    const killed = await submit('killed', 600, { host });
    await eventually(async () => (await pool.runs.get(killed))?.pid);
    await mcp.call('kill_agent', { runId: killed });
    const states = (await Promise.all([done, fails, killed].map(ended))).map(({ state }) => state);
    expect(states).toEqual(['done', 'failed', 'killed']);
  }
  const refused = { name: 'get_agent_status', arguments: { runId: 'nobody' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: refused });
  expect(askOnSwitch(`${url}/mcp`, CALLER, body)).toContain('unknown_run');
}

const scrape = (url: string) => askOnSwitch(url, TOKEN);

function askOnSwitch(url: string, token: string, body?: string): string {
  const [program = '', ...args] = network.onSwitch;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const how = JSON.stringify(body === undefined ? { headers } : { headers, body, method: 'POST' });
  const ask = `fetch(process.argv[1], JSON.parse(process.argv[2]))
    .then(async (answer) => { process.stdout.write(await answer.text()); process.exitCode = answer.ok ? 0 : 1; })`;
  const { status, stdout, stderr } = spawnSync(program, [...args, process.execPath, '-e', ask, url, how], {
    encoding: 'utf8',
  });
  expect([url, status, stderr]).toEqual([url, 0, '']);
  return stdout;
}

const sum = (body: string, figure: RegExp) =>
  [...body.matchAll(figure)].reduce((total, [, count]) => total + Number(count), 0);
