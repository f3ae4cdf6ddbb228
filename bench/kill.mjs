// kill_agent on a run with 50 processes in 10 sessions: until none is left, and until the call is answered, beside signals
// sent directly to the same processes by somebody who knows their pids.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const ROUNDS = Number(process.argv[2] ?? 9);
const SESSIONS = 10;
const EACH = 5;
/** Every process writes its pid as the name of a file, then sleeps. */
const prompt = (place) =>
  `for s in $(seq ${SESSIONS}); do setsid sh -c 'for p in $(seq ${EACH}); do sh -c "touch ${place}/\\$\\$; exec sleep 600" & done; wait' & done; wait\n`;

const isAlive = (pid) => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
async function started(place) {
  while (!existsSync(place) || readdirSync(place).length < SESSIONS * EACH) await pause(5);
  return readdirSync(place).map(Number);
}
async function gone(pids) {
  while (pids.some(isAlive)) await pause(1);
  return performance.now();
}

const world = await makeWorld({ workers: [0] });
const figures = { gone: [], answered: [], direct: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  const place = join(world.work, `own${round}`);
  mkdirSync(place);
  const { runId } = await world.mcp.call('run_agent', { runner: 'shell', prompt: prompt(place) });
  const pids = await started(place);
  const begun = performance.now();
  const answer = world.mcp.call('kill_agent', { runId }).then(() => performance.now());
  const [over, told] = await Promise.all([gone(pids), answer]);
  figures.gone.push(over - begun);
  figures.answered.push(Math.max(0, told - over));

  const direct = join(world.work, `direct${round}`);
  mkdirSync(direct);
  const child = spawn('/bin/sh', ['-s'], { stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end(prompt(direct));
  const known = await started(direct);
  const sent = performance.now();
  for (const pid of [...known, child.pid]) process.kill(pid, 'SIGTERM');
  figures.direct.push((await gone(known)) - sent);
}
await world.end({ keep: false });
row({
  figure: `kill_agent on ${SESSIONS * EACH} processes in ${SESSIONS} sessions until they are gone, median of ${ROUNDS}`,
  ours: `${median(figures.gone).toFixed(1)} ms`,
  limit: `direct signals: ${median(figures.direct).toFixed(1)} ms`,
  ratio: median(figures.gone) / median(figures.direct),
  goal: '<= 3',
  notes: `The request is found, stored and told (three round trips), and the worker reads the record; whoever signals directly knows
    the pids. Signals go first to who is found below the wrapper by its children, in place of a look at all processes of the host, which
    follows. In two series of pairs on a busy machine: 24.7 and then 17.8 ms (direct 6.4), 33.2 and then 31.4 ms (direct 8.8).`,
});
row({
  figure: 'the answer of kill_agent after they are gone, median (ms)',
  ours: `${median(figures.answered).toFixed(1)} ms`,
  value: median(figures.answered),
  goal: '<= 10',
  notes: `As soon as those that got the signal are gone, the worker looks at all processes that none is left, ships the rest of the output
    and records the end; before, it looked again after 5, 10, 20, 40 ms. That look is most of the time, and longer with many processes.`,
});
