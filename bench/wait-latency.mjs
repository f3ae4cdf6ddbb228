// How long after the end of its run does wait_agent answer? In pairs with the raw limit of this machine: the same
// program started without agentpool, and the time until Node tells its parent of the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeWorld } from '../test/chaos/world.mjs';

const AGENT = fileURLToPath(new URL('../test/fixtures/agents/scripted.mjs', import.meta.url));
const RUNS = Number(process.argv[2] ?? 50);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

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
  const { output } = await world.mcp.call('wait_agent', { runId });
  waits.push(Date.now() - Number(output));
  limits.push(await raw());
}
await world.end({ keep: false });
const ours = median(waits);
const limit = median(limits);
process.stdout.write(
  `wait_agent after the program's last word, ${RUNS} runs: median ${ours} ms, worst ${Math.max(...waits)} ms\n`,
);
process.stdout.write(
  `a parent that is told of the same end:       median ${limit} ms, worst ${Math.max(...limits)} ms\n`,
);
process.stdout.write(`ratio ${(ours / Math.max(1, limit)).toFixed(2)}, difference ${ours - limit} ms\n`);
