// What does a worker cost while it supervises many runs that print a line a second? Memory per run, wrapper included,
// and the share of one core, beside the same programs' own cost.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { makeWorld } from '../test/chaos/world.mjs';
import { row } from './report.mjs';

const RUNS = Number(process.argv[2] ?? 200);
const SECONDS = Number(process.argv[3] ?? 20);
const TICKS = 100; // of a second: the kernel's unit in /proc/<pid>/stat on Linux

const stat = (pid) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
const cpuTicks = (pid) => Number(stat(pid)[11]) + Number(stat(pid)[12]);
const rssKiB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
const pssKiB = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);

const world = await makeWorld({
  workers: [0],
  env: { AGENTPOOL_CONCURRENCY: String(RUNS), AGENTPOOL_HEARTBEAT_MS: '5000' },
});
const worker = world.workers[0].pid();
await pause(2_000);
const before = rssKiB(worker);
const prompt = 'i=0; while [ $i -lt 100000 ]; do echo "line $i"; i=$((i+1)); sleep 1; done';
const submitted = performance.now();
const ids = [];
for (let run = 0; run < RUNS; run += 1)
  ids.push((await world.mcp.call('run_agent', { runner: 'shell', prompt })).runId);
let status;
do status = await world.mcp.call('get_agent_status', { runId: ids.at(-1) });
while (status.pid === undefined && (await pause(100, true)));
const started = (performance.now() - submitted) / 1_000;
await pause(3_000);
const bytesOf = async (runId) => (await world.mcp.call('get_agent_status', { runId })).outputBytes;
const sample = ids.slice(0, 10);
const bytesBefore = await Promise.all(sample.map(bytesOf));
const ticks = cpuTicks(worker);
await pause(SECONDS * 1_000);
const share = (cpuTicks(worker) - ticks) / TICKS / SECONDS;
const bytesAfter = await Promise.all(sample.map(bytesOf));
const grown = bytesAfter.reduce((sum, bytes, at) => sum + bytes - bytesBefore[at], 0) / sample.length;
const after = rssKiB(worker);
const wrappers = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isWrapper(pid));
const wrapperRss = wrappers.reduce((sum, pid) => sum + rssKiB(pid), 0) / wrappers.length;
const wrapperPss = wrappers.reduce((sum, pid) => sum + pssKiB(pid), 0) / wrappers.length;

function isWrapper(pid) {
  try {
    return Number(stat(pid)[1]) === worker && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('agentpool_pid');
  } catch {
    return false;
  }
}

const perRun = (after - before) / RUNS;
const say = (text) => process.stdout.write(`${text}\n`);
say(`${RUNS} runs, started in ${started.toFixed(1)} s, a line a second each, measured for ${SECONDS} s`);
say(`a run has printed ${grown.toFixed(0)} bytes meanwhile, at 7 to 9 a line`);
say(
  `worker: ${(before / 1024).toFixed(0)} MiB before, ${(after / 1024).toFixed(0)} MiB now: ${(perRun / 1024).toFixed(2)} MiB a run`,
);
say(
  `wrapper: ${(wrapperRss / 1024).toFixed(2)} MiB RSS, ${(wrapperPss / 1024).toFixed(2)} MiB PSS (${wrappers.length} seen)`,
);
row({
  figure: `supervising ${RUNS} runs that print a line a second`,
  ours: `${((perRun + wrapperRss) / 1024).toFixed(2)} MiB a run with its wrapper, ${(share * 100).toFixed(1)} % of one core`,
});
for (const runId of ids) void world.mcp.call('kill_agent', { runId, signal: 'KILL' }).catch(() => {});
// Ending 200 trees of processes takes its time on a loaded machine; nothing is to stay behind.
for (const runId of ids) while ((await world.mcp.call('wait_agent', { runId, timeoutMs: 20_000 })).timedOut);
await world.end({ keep: false });
process.exit(0);
