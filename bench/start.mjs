// How long a client waits for `agentpool mcp` at its start, beside a Node that does nothing; and how long --version takes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MAIN, makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const ROUNDS = Number(process.argv[2] ?? 11);
const world = await makeWorld({ workers: [0] });
const options = { cwd: world.work, env: world.env };

/** Until a program has ended (ms). */
async function ended(args) {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { ...options, stdio: 'ignore' });
  await once(child, 'exit');
  return performance.now() - begun;
}

/** Until the server has answered `initialize` and a call that needs Redis (ms). */
async function firstAnswers() {
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, 'mcp'], { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  let text = '';
  const at = {};
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
    for (const id of [1, 2]) if (!at[id] && text.includes(`"id":${id}`)) at[id] = performance.now() - begun;
  });
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
  });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/call', params: { name: 'list_runs', arguments: {} } });
  while (!at[2]) await new Promise((resolve) => setTimeout(resolve, 1));
  child.kill('SIGKILL');
  await once(child, 'exit');
  return at;
}

const empty = [];
const version = [];
const answers = [];
for (let round = 0; round < ROUNDS; round += 1) {
  empty.push(await ended(['-e', '']));
  version.push(await ended([MAIN, '--version']));
  answers.push(await firstAnswers());
}
await world.end({ keep: false });
const limit = `node -e '': ${median(empty).toFixed(0)} ms`;
for (const [figure, values] of [
  ['agentpool --version', version],
  ['agentpool mcp from its start to the answer of initialize', answers.map((at) => at[1])],
  ['agentpool mcp from its start to the first answer of a tool, a pool being up', answers.map((at) => at[2])],
])
  row({
    figure: `${figure}, median of ${ROUNDS}`,
    ours: `${median(values).toFixed(0)} ms`,
    limit,
    ratio: median(values) / median(empty),
  });
row({
  figure: 'connecting when a pool is up (s)',
  ours: `${(median(answers.map((at) => at[2])) / 1_000).toFixed(2)} s`,
  value: median(answers.map((at) => at[2])) / 1_000,
  goal: '<= 0.25',
});
