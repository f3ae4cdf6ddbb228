// One scenario through one client, as a process of its own beside the packages of that client:
// node scenario.mjs <driver.mjs> <target as JSON>. Prints one JSON line for each case, as it is over.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [driverFile, targetJson] = process.argv.slice(2);
const target = JSON.parse(targetJson);
const { open } = await import(pathToFileURL(driverFile).href);

const prompt = (...steps) => JSON.stringify(steps);
let client;

/** What a tool has answered, in whatever form the client gives it. */
function bodyOf(answer) {
  let value = answer;
  for (;;) {
    if (typeof value === 'string') value = JSON.parse(value);
    else if (Array.isArray(value))
      value = value.find((part) => part?.runId || part?.type === 'text' || typeof part === 'string');
    else if (value?.structuredContent) value = value.structuredContent;
    else if (value?.content && value.runId === undefined) value = value.content;
    else if (value?.type === 'text') value = value.text;
    else return value;
  }
}

async function call(name, args) {
  const body = bodyOf(await client.call(name, args));
  if (body?.code !== undefined && body.hint !== undefined) throw new Error(`${name}: ${body.code}: ${body.message}`);
  return body;
}

function check(holds, what, seen) {
  if (!holds) throw new Error(`${what}; it was ${JSON.stringify(seen)?.slice(0, 300)}`);
}

const start = async (...steps) => (await call('run_agent', { runner: 'scripted', prompt: prompt(...steps) })).runId;

/** One call blocks for a moment only, and a busy machine takes longer. */
async function endOf(runId) {
  for (;;) {
    const waited = await call('wait_agent', { runId });
    if (!waited.timedOut) return waited;
  }
}

/** Starts a run that goes on until it is killed, and answers when it has begun. */
async function startLong() {
  const runId = await start({ print: 'begun\n' }, { pause: 600_000 });
  for (;;) {
    const { output } = await call('stream_agent_output', { runId, view: 'raw', waitMs: 1_000 });
    if (output.includes('begun')) return runId;
  }
}

const cases = {
  async connect() {
    client = await open(target);
  },
  async list() {
    const names = await client.list();
    for (const name of target.tools) check(names.includes(name), `the list has ${name}`, names);
  },
  async run() {
    const runId = await start({ print: '{"result":"hello ✓"}\n' });
    const ended = await endOf(runId);
    check(ended.status === 'done' && ended.result === 'hello ✓', 'the run is done with its result', ended);
  },
  async follow() {
    const runId = await start({ lines: { count: 20, bytes: 40, everyMs: 50 } });
    let text = '';
    let cursor;
    for (;;) {
      const page = await call('stream_agent_output', { runId, view: 'raw', waitMs: 1_000, ...(cursor && { cursor }) });
      text += page.output;
      cursor = page.nextCursor;
      if (page.isComplete) break;
    }
    const lines = text.match(/line \d{8}/g) ?? [];
    const wanted = Array.from({ length: 20 }, (_, at) => `line ${String(at + 1).padStart(8, '0')}`);
    check(lines.join() === wanted.join(), 'every line is there once, in order', lines);
  },
  async wait() {
    const gate = join(mkdtempSync(join(tmpdir(), 'ap-scenario-')), 'go');
    const runId = await start({ until: gate }, { print: '{"result":"late"}\n' });
    const early = await call('wait_agent', { runId });
    check(early.timedOut, 'one call blocks no longer than its limit', early);
    check(['queued', 'running'].includes(early.status), 'the run goes on', early);
    writeFileSync(gate, '');
    const waited = await endOf(runId);
    rmSync(dirname(gate), { recursive: true });
    check(waited.status === 'done' && waited.result === 'late', 'and the next ones have its end', waited);
  },
  async kill() {
    const runId = await startLong();
    const killed = await call('kill_agent', { runId });
    check(killed.killed === true, 'the run is killed', killed);
    const ended = await endOf(runId);
    check(ended.status === 'killed', 'and ends so', ended);
  },
  async parallel() {
    const agents = ['a', 'b', 'c'].map((taskId) => ({
      runner: 'scripted',
      taskId,
      prompt: prompt({ print: `{"result":"${taskId}"}\n` }),
    }));
    const [answer, ...lists] = await Promise.all([
      call('run_agents_parallel', { agents }),
      ...Array.from({ length: 5 }, () => call('list_runs', { limit: 3 })),
    ]);
    for (const { taskId } of agents) {
      const { runId } = answer.agents.find((agent) => agent.taskId === taskId) ?? {};
      const ended = await endOf(runId);
      check(ended.status === 'done' && ended.result === taskId, `${taskId} is done`, ended);
    }
    check(lists.length === 5, 'calls at once are all answered', lists);
  },
  async reconnect() {
    const runId = await startLong();
    await client.close();
    client = await open(target);
    const status = await call('get_agent_status', { runId });
    check(status.status === 'running', 'the run has outlived the connection', status);
    await call('kill_agent', { runId });
  },
};

/** No call takes longer, unless the client has lost its answer (ms). */
const CASE_WITHIN_MS = 60_000;
for (const [name, run] of Object.entries(cases)) {
  const begun = performance.now();
  const outcome = await Promise.race([
    run().then(() => 'ok'),
    pause(CASE_WITHIN_MS).then(() => `no end within ${CASE_WITHIN_MS} ms`),
  ]).catch((error) =>
    String(error?.message ?? error)
      .split('\n')[0]
      .slice(0, 300),
  );
  process.stdout.write(`${JSON.stringify({ case: name, outcome, ms: Math.round(performance.now() - begun) })}\n`);
  if (name === 'connect' && outcome !== 'ok') break;
}
await client?.close?.().catch(() => {});
process.exit(0);
