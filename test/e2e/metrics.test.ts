import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { claude, installClaudeStandIn } from '../support/claude-stand-in.js';
import { ask } from '../support/http.js';
import { steps } from '../support/pool.js';
import { eventually, openMcp } from '../support/processes.js';

const SECRETS = { prometheus: 'of-prometheus', reader: 'of-reader' };
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex');
const place = onePlace({
  AGENTPOOL_TOKENS: `prometheus:metrics:${hash(SECRETS.prometheus)},reader:read+run+kill:${hash(SECRETS.reader)}`,
  AGENTPOOL_CONCURRENCY: '1',
  AGENTPOOL_POOL_CONCURRENCY: 'scripted=9',
  AGENTPOOL_HOST_NAME: 'pool-host',
  AGENTPOOL_WORKER_HEALTH: '0',
});
installClaudeStandIn(place);
const server = oneServer(place);
const worker = oneWorker(place);

const scrape = (secret: string) => ask(`${server.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } });

/** A call of a tool that is answered with an error. */
async function refusedOverHttp(): Promise<void> {
  const params = { name: 'get_agent_status', arguments: { runId: 'nobody' } };
  const { status, body } = await ask(`${server.url}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRETS.reader}`, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  });
  expect([status, body]).toEqual([200, expect.stringContaining('unknown_run')]);
}

/** The figures of one answer, by name and labels as they are printed. */
function figuresIn(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

it('are for the scope metrics alone, and tell what the pool has', async () => {
  expect((await scrape(SECRETS.reader)).status).toBe(403);
  const session = await openMcp(place);
  const submit = () => session.call('run_agent', { runner: 'scripted', prompt: steps({ pause: 60_000 }) });
  const { runId: running } = await submit();
  const { runId: queued } = await submit();
  await refusedOverHttp();
  const expected = {
    agentpool_redis_up: 1,
    'agentpool_workers{state="ready"}': 1,
    'agentpool_workers{state="silent"}': 0,
    'agentpool_slots{host="pool-host"}': 1,
    'agentpool_slots_used{host="pool-host"}': 1,
    'agentpool_runner_workers{runner="scripted"}': 1,
    'agentpool_runs{state="running"}': 1,
    'agentpool_runs{state="queued"}': 1,
    'agentpool_queue_jobs{queue="runs.scripted",state="active"}': 1,
    'agentpool_queue_jobs{queue="runs.scripted",state="waiting"}': 1,
    'agentpool_http_requests_total{status="403"}': 1,
    'agentpool_runs_waiting{reason="slot"}': 1,
    'agentpool_runs_waiting{reason="no_worker"}': 0,
    'agentpool_limit{runner="scripted",limit="at_once"}': 9,
    'agentpool_limit_used{runner="scripted",limit="at_once"}': 1,
    'agentpool_calls_refused_total{code="unknown_run"}': 1,
  };
  const figures = await eventually(
    async () => figuresIn((await scrape(SECRETS.prometheus)).body),
    (seen) => Object.entries(expected).every(([name, value]) => seen.get(name) === value),
  );
  expect(figures.get('agentpool_oldest_queued_seconds')).toBeGreaterThan(0);
  for (const runId of [queued, running]) await session.call('kill_agent', { runId });
  const after = await eventually(
    async () => figuresIn((await scrape(SECRETS.prometheus)).body),
    (seen) => seen.get('agentpool_runs{state="killed"}') === 2,
  );
  expect(after.get('agentpool_oldest_queued_seconds')).toBe(0);
  await session.close();
});

const scrapeWorker = (secret?: string) => {
  const { healthAt } = JSON.parse(worker.line) as { healthAt: string };
  return ask(`${healthAt}/metrics`, secret === undefined ? {} : { headers: { authorization: `Bearer ${secret}` } });
};

it('of a worker are for the same tokens, and tell what it did', async () => {
  expect([(await scrapeWorker()).status, (await scrapeWorker(SECRETS.reader)).status]).toEqual([401, 403]);
  const session = await openMcp(place);
  const ofWorker = async () => figuresIn((await scrapeWorker(SECRETS.prometheus)).body);
  const before = await ofWorker();
  const { runId: done } = await session.call<{ runId: string }>('run_agent', {
    runner: 'scripted',
    prompt: steps({ print: '12345678\n' }),
  });
  await session.call('wait_agent', { runId: done });
  const { runId: killed } = await session.call<{ runId: string }>('run_agent', {
    runner: 'scripted',
    prompt: steps({ until: '/nonexistent' }),
  });
  // Not by the figure of the worker, in which the first run may still be.
  await eventually(async () => (await session.call('get_agent_status', { runId: killed })).pid);
  await eventually(async () => (await ofWorker()).get('agentpool_worker_runs') === 1);
  await session.call('kill_agent', { runId: killed });
  const said = claude.result('ok', {
    usage: { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 5 },
    model_usage_since_last_result: { 'some-model': { costUSD: 0.25 } },
  });
  const paid = await session.call<{ runId: string }>('run_agent', {
    runner: 'claude',
    prompt: steps(said),
  });
  expect(await session.call('wait_agent', { runId: paid.runId })).toMatchObject({ status: 'done' });
  const added = {
    done: 1,
    killed: 1,
    bytes: 9 + said.print.length,
    starts: 2,
    kills: 1,
    took: 2,
    output: 20,
    cost: 0.25,
  };
  const rise = (now: ReadonlyMap<string, number>, name: string) => (now.get(name) ?? 0) - (before.get(name) ?? 0);
  const ended = (state: string) => `agentpool_worker_runs_ended_total{runner="scripted",state="${state}",failure=""}`;
  const seen = await eventually(
    async () => {
      const now = await ofWorker();
      return {
        done: rise(now, ended('done')),
        killed: rise(now, ended('killed')),
        bytes: rise(now, 'agentpool_worker_output_bytes_total'),
        starts: rise(now, 'agentpool_worker_start_seconds_count{runner="scripted"}'),
        kills: rise(now, 'agentpool_worker_kill_seconds_count'),
        took: rise(now, 'agentpool_worker_run_seconds_count{runner="scripted"}'),
        output: rise(now, 'agentpool_worker_tokens_total{runner="claude",kind="output"}'),
        cost: rise(now, 'agentpool_worker_cost_usd_total{runner="claude"}'),
        now,
      };
    },
    ({ now: _, ...rises }) => isDeepStrictEqual(rises, added),
  );
  expect(seen.now.get('agentpool_worker_slots')).toBe(1);
  expect(seen.now.get('agentpool_worker_unshipped_bytes')).toBe(0);
  expect(seen.now.get('agentpool_worker_cordoned')).toBe(0);
  await session.close();
});

/** The expressions of the dashboard and of the alerts. */
const DEPLOY = new URL('../../deploy/', import.meta.url).pathname;
const dashboard = JSON.parse(readFileSync(`${DEPLOY}grafana/agentpool.json`, 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
const expressions = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...[...readFileSync(`${DEPLOY}prometheus/alerts.yml`, 'utf8').matchAll(/expr: (.+)/g)].map(([, expr = '']) => expr),
];

it('are all that dashboard and alerts ask for, with labels that they have', async () => {
  const bodies = await Promise.all([scrape(SECRETS.prometheus), scrapeWorker(SECRETS.prometheus)]);
  const names = new Set(bodies.flatMap(({ body }) => [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)));
  const asked = expressions.flatMap((expr) => expr.match(/agentpool_[a-z_]+/g) ?? []);
  expect(asked.length).toBeGreaterThan(25);
  expect(asked.filter((name) => !names.has(name.replace(/_bucket$/, '')))).toEqual([]);
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
if (!promtool)
  process.stderr.write('skipped: Prometheus is not installed, so promtool cannot check figures and rules\n');

it.skipIf(!promtool)('are what promtool takes for good form', async () => {
  const { body: ofServer, headers } = await scrape(SECRETS.prometheus);
  const ofWorker = (await scrapeWorker(SECRETS.prometheus)).body.match(/^.*agentpool_.*$/gm)?.join('\n');
  const body = `${ofServer}\n${ofWorker}\n`;
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  // What the library has of the process is named as it was before there were rules for that.
  const said = `${stdout}${stderr}`.split('\n').filter((line) => /agentpool_/.test(line));
  expect([said, status === 0 || status === 3]).toEqual([[], true]);
});

it.skipIf(!promtool)('are asked by the dashboard in expressions that promtool understands', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ap-rules-'));
  const rules = expressions.map((expr, at) => ({
    record: `one:${at}`,
    expr: expr.replaceAll('$__rate_interval', '5m'),
  }));
  writeFileSync(join(directory, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { status, stderr } = spawnSync('promtool', ['check', 'rules', join(directory, 'rules.yml')], {
    encoding: 'utf8',
  });
  rmSync(directory, { recursive: true });
  expect([status, stderr]).toEqual([0, '']);
});

it.skipIf(!promtool)('have alert rules that fire when they should', () => {
  const at = new URL('../../deploy/prometheus/', import.meta.url).pathname;
  expect(execFileSync('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: at, encoding: 'utf8' })).toContain(
    'SUCCESS',
  );
});
