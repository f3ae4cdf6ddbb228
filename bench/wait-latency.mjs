// How long after the end of its run does wait_agent answer? In pairs with the raw limit of this machine: the same
// program started without agentpool, and the time until Node tells its parent of the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const AGENT = fileURLToPath(new URL('../test/fixtures/agents/scripted.mjs', import.meta.url));
const RUNS = Number(process.argv[2] ?? 50);

/** The program says as its last word what time it is. */
const prompt = JSON.stringify([{ pause: 200 }, { now: true }, { exit: 0 }]);

async function raw() {
  const child = spawn(process.execPath, [AGENT], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.end(prompt);
  let text = '';
  child.stdout.on('data', (bytes) => {
    text += bytes;
  });
  await once(child, 'exit');
  const seen = Date.now();
  if (text === '') await once(child.stdout, 'data');
  return seen - Number(text);
}

const world = await makeWorld({ workers: [0] });
const waits = [];
const limits = [];
for (let run = 0; run < RUNS; run += 1) {
  const { runId } = await world.mcp.call('run_agent', { runner: 'scripted', prompt });
  const { result } = await world.mcp.call('wait_agent', { runId });
  waits.push(Date.now() - Number(result));
  limits.push(await raw());
}
await world.end({ keep: false });
row({
  figure: `last word of the program to the answer of wait_agent, median of ${RUNS} (worst ${Math.max(...waits)} ms)`,
  ours: `${median(waits)} ms`,
  limit: `a plain parent ${median(limits)} ms`,
  ratio: median(waits) / Math.max(1, median(limits)),
  goal: '<= 2',
  notes: `The end of the wrapper is seen, the worker looks for what the program left behind among the processes started since (it was all of the
    host, 2 ms), the end is written
    with the result and told (a round trip), and the server that waits reads the record for its answer, then result and the
    end of the output together (two), where the parent has a signal of the kernel.`,
});
