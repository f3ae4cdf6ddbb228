// From the call of run_agent over stdio to the first word of the program, beside a bare BullMQ queue whose processor starts
// the same program; in turns, on one Redis. The program itself says when it spoke.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorld } from '../test/chaos/world.mjs';
import { bareBullMq } from './bare-bullmq.mjs';
import { quantile, row } from './report.mjs';

const RUNS = Number(process.argv[2] ?? 150);
const prompt = (file) => `date +%s%N > ${file}; echo word\n`;
const world = await makeWorld({ workers: [0] });
const bare = bareBullMq(world);
await bare.ready();

/** When the program of this file spoke, in ms since the epoch. */
async function spoken(file) {
  for (;;) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (text.endsWith('\n')) return Number(text) / 1e6;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const clock = () => performance.timeOrigin + performance.now();
const ours = [];
const limits = [];
for (let run = -10; run < RUNS; run += 1) {
  const own = join(world.work, `own${run}`);
  const ownBegun = clock();
  const { runId } = await world.mcp.call('run_agent', { runner: 'shell', prompt: prompt(own) });
  const took = (await spoken(own)) - ownBegun;
  await world.mcp.call('wait_agent', { runId });
  const peer = join(world.work, `peer${run}`);
  const ended = bare.ended(1);
  const begun = clock();
  await bare.add(prompt(peer));
  const limit = (await spoken(peer)) - begun;
  await ended;
  if (run < 0) continue; // warming up
  ours.push(took);
  limits.push(limit);
}
await bare.stop();
await world.end({ keep: false });
for (const [name, share, goal] of [
  ['median', 0.5, '<= 1.6'],
  ['p99', 0.99, '<= 2'],
])
  row({
    figure: `run_agent over stdio to the first word of the program, ${name} of ${RUNS}`,
    ours: `${quantile(ours, share).toFixed(1)} ms`,
    limit: `BullMQ add, processor, spawn: ${quantile(limits, share).toFixed(1)} ms`,
    ratio: quantile(ours, share) / quantile(limits, share),
    goal,
    notes: `A timeline of one run, of 18 ms on a busy machine: 1 ms until the server has the call, 4 ms until the job is placed, 5 ms in the
      worker (turn, job, record with request, claim, launch and its confirmation: six round trips, which were nine; plan and spool:
      0.8 ms), 2.7 ms for the fork of the worker, 4 ms for shells and program. Since then a submission takes four round trips instead of
      nine: 2.97 became 2.7. Awaiting less would let a crash start a program twice or lose an accepted run. A wrapper that is started
      while Redis confirms was not tried: another worker could not tell it from a program that has removed its traces. Flags of V8
      (--always-sparkplug, smaller heaps) changed nothing that could be told from noise.`,
  });
