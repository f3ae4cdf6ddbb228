import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { onePlace, oneServer, oneWorker } from '../support/beginnings.js';
import { ask } from '../support/http.js';
import { steps } from '../support/pool.js';
import { eventually, openMcp } from '../support/processes.js';

const SECRETS = { prometheus: 'of-prometheus', reader: 'of-reader' };
const hash = (secret: string) => createHash('sha256').update(secret).digest('hex');
const place = onePlace({
  AGENTPOOL_TOKENS: `prometheus:metrics:${hash(SECRETS.prometheus)},reader:read+run+kill:${hash(SECRETS.reader)}`,
  AGENTPOOL_CONCURRENCY: '1',
  AGENTPOOL_HOST_NAME: 'pool-host',
});
const server = oneServer(place);
oneWorker(place);

const scrape = (secret: string) => ask(`${server.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } });

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

const promtool = spawnSync('promtool', ['--version']).error === undefined;
if (!promtool)
  process.stderr.write('skipped: Prometheus is not installed, so promtool cannot check figures and rules\n');

it.skipIf(!promtool)('are what promtool takes for good form', async () => {
  const { body, headers } = await scrape(SECRETS.prometheus);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  // What the library has of the process is named as it was before there were rules for that.
  const said = `${stdout}${stderr}`.split('\n').filter((line) => /agentpool_/.test(line));
  expect([said, status === 0 || status === 3]).toEqual([[], true]);
});

it.skipIf(!promtool)('have alert rules that fire when they should', () => {
  const at = new URL('../../deploy/prometheus/', import.meta.url).pathname;
  expect(execFileSync('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: at, encoding: 'utf8' })).toContain(
    'SUCCESS',
  );
});
