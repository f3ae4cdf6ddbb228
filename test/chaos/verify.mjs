import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { processesOf } from '../../dist/worker/process/processes.js';
import { isEndless } from './agents.mjs';

/** A job may follow its run when the lock of a dead worker has run out and the stalled check has come by (ms). */
const JOBS_WITHIN_MS = 90_000;
/** Spools stay for some seconds (ms). */
const SPOOLS_WITHIN_MS = 60_000;

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const readOrEmpty = (file) => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));
const linesOf = (file) => readOrEmpty(file).toString().split('\n').filter(Boolean);

/** Everything that the stream of a run has, by cursor. */
async function outputOf(mcp, runId) {
  const pieces = [];
  let dropped = 0;
  for (let cursor; ; ) {
    const page = await mcp.call('stream_agent_output', {
      runId,
      maxBytes: 1_048_576,
      encoding: 'base64',
      stream: 'stdout',
      ...(cursor && { cursor }),
    });
    pieces.push(Buffer.from(page.output, 'base64'));
    dropped += page.droppedBytes;
    if (page.isComplete) return { bytes: Buffer.concat(pieces), dropped };
    if (!page.hasMore && page.nextCursor === cursor) return { bytes: Buffer.concat(pieces), dropped }; // it never ended
    cursor = page.nextCursor;
  }
}

/** Whether the end is the planned one. */
function endIsRight({ ending, exitCode }, { status, exitCode: code, failure }) {
  return {
    'exit-0': status === 'done' && code === 0,
    leftovers: status === 'done' && code === 0,
    'exit-n': status === 'failed' && code === exitCode && failure.kind === 'exit',
    signal: status === 'failed' && failure.kind === 'signal',
    'time-limit': status === 'timed_out' && failure.kind === 'time_limit',
    kill: status === 'killed',
  }[ending];
}

/** Lines that are missing before the last one, and lines that are there again or are none, by number and checksum. */
function countLines(run, text) {
  const wrong = { lost: 0, doubled: 0 };
  const lines = text.split('\n');
  const rest = lines.pop();
  let next = 1;
  for (const line of lines) {
    const [, digits, checksum] = /^line (\d{8}) ([0-9a-f]{8}) x*$/.exec(line) ?? [];
    const number = Number(digits);
    const sound = checksum === sha(`run ${run.number}/${number}`).slice(0, 8) && line.length === run.bytes - 1;
    if (!sound || number < next) wrong.doubled += 1;
    else {
      wrong.lost += number - next;
      next = number + 1;
    }
  }
  return { ...wrong, rest };
}

/**
 * A program logs its lines before it prints them, and counts its bytes after. One that ended by itself has printed all
 * of its log; one that was ended from outside at least what it had counted, and nothing that it had not logged.
 */
function compare(run, { bytes, dropped }) {
  const log = readOrEmpty(run.log);
  const { lost, doubled, rest } = countLines(run, bytes.toString());
  const whole = sha(bytes) === sha(log);
  const printed = Number(readOrEmpty(run.printed).toString() || 0);
  const part = bytes.length >= printed && sha(bytes) === sha(log.subarray(0, bytes.length));
  const right = dropped === 0 && (whole || (isEndless(run) && part)) && (rest === '' || isEndless(run));
  if (right && lost === 0 && doubled === 0) return { lost: 0, doubled: 0 };
  const atLeast = isEndless(run) ? printed : log.length;
  const text = `${bytes.length} bytes in the stream, ${log.length} logged, ${printed} printed, ${dropped} dropped`;
  return {
    lost: Math.max(lost, Math.ceil(Math.max(0, atLeast - bytes.length) / run.bytes), doubled === 0 ? 1 : 0),
    doubled: Math.max(doubled, bytes.length > log.length ? 1 : 0),
    text,
  };
}

/** Checks every run against what really happened; answers counts that all have to be zero, and what was wrong. */
export async function verify(world, runs) {
  const { mcp, env } = world;
  const found = { bytes: 0, lost: 0, doubled: 0, startedTwice: 0, wrongEnd: 0, jobDisagrees: 0, leftOver: 0 };
  const problems = [];
  const complain = (run, what) => problems.push(`run ${run.number} (${run.runId}, ${run.ending}): ${what}`);
  for (const run of runs) {
    run.status = await mcp.call('get_agent_status', { runId: run.runId });
    const { status, pid, startedAt, exitCode = '', failure = {} } = run.status;
    const output = await outputOf(mcp, run.runId);
    const { lost, doubled, text } = compare(run, output);
    found.bytes += output.bytes.length;
    found.lost += lost;
    found.doubled += doubled;
    if (lost || doubled) complain(run, `${lost} lines lost, ${doubled} doubled: ${text}`);
    const starts = linesOf(run.starts);
    const wantsStart = !(isEndless(run) && startedAt === undefined) && !(status === 'killed' || status === 'timed_out');
    if (starts.length > 1 || (starts.length === 0 && wantsStart)) {
      found.startedTwice += 1;
      complain(run, `started ${starts.length} times`);
    }
    if (!endIsRight(run, run.status) || (starts.length === 1 && pid !== undefined && Number(starts[0]) !== pid)) {
      found.wrongEnd += 1;
      complain(run, `${status} ${exitCode} ${JSON.stringify(failure)}, pid ${pid} of ${starts}`);
    }
    const left = processesOf(run.runId);
    found.leftOver += left.length;
    if (left.length > 0) complain(run, `left processes ${left.map((process) => process.pid).join(', ')}`);
  }
  for (const spool of await spoolsThatStay(world)) {
    found.leftOver += 1;
    problems.push(`spool ${spool} is left over`);
  }
  const redis = new Redis({ path: env.REDIS_URL.replace('unix://', ''), maxRetriesPerRequest: null });
  await checkJobs(redis, runs, found, complain);
  await checkKeys(redis, runs, found, complain);
  redis.disconnect();
  return { found, problems };
}

/** A worker keeps a spool for some seconds after the end of its run. */
async function spoolsThatStay({ spools }) {
  const list = (directory) => (existsSync(directory) ? readdirSync(directory) : []);
  const all = () =>
    spools.flatMap((root) =>
      list(root).flatMap((pool) => list(join(root, pool)).flatMap((host) => list(join(root, pool, host)))),
    );
  const deadline = performance.now() + SPOOLS_WITHIN_MS;
  while (all().length > 0 && performance.now() < deadline) await pause(200);
  return all();
}

const WANTED = { done: 'completed', failed: 'failed', killed: 'failed', timed_out: 'failed' };

/** The BullMQ job has to say the same; one that was killed while it waited is removed. */
async function checkJobs(redis, runs, found, complain) {
  const queue = new Queue('runs.scripted', { connection: redis, prefix: '{agentpool:runs.scripted}' });
  const deadline = performance.now() + JOBS_WITHIN_MS;
  for (const run of runs) {
    const { status } = run.status;
    const agrees = (state) => state === WANTED[status] || (state === 'removed' && status === 'killed');
    let state;
    do {
      const job = await queue.getJob(run.runId);
      state = job ? await job.getState() : 'removed';
    } while (!agrees(state) && performance.now() < deadline && (await pause(200, true)));
    if (agrees(state)) continue;
    found.jobDisagrees += 1;
    complain(run, `its job is ${state}, the run ${status}`);
  }
  await queue.close();
}

/** Nothing is locked any more, and everything of a run that has ended has its time to go. */
async function checkKeys(redis, runs, found, complain) {
  const nobody = { number: '-', runId: '-', ending: '-' };
  const locks = await redis.keys('*:lock');
  found.leftOver += locks.length;
  if (locks.length > 0) complain(nobody, `${locks.length} locks are left over`);
  for (const run of runs)
    for (const key of ['', ':events', ':request', ':result']) {
      const kept = await redis.pttl(`agentpool:run:{${run.runId}}${key}`);
      if (kept !== -1) continue;
      found.leftOver += 1;
      complain(run, `${key || 'its record'} would stay in Redis for ever`);
    }
}
