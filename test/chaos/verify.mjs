import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { processesOf } from '../../dist/worker/processes.js';

/** A job may follow its run when the lock of a dead worker has run out and the stalled check has come by (ms). */
const JOBS_WITHIN_MS = 40_000;

/** Spools stay for some seconds (ms). */
const SPOOLS_WITHIN_MS = 15_000;

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');
const readOrEmpty = (file) => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));

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
    cursor = page.nextCursor;
  }
}

/** Whether the end is one that the plan allows; a kill that came too late finds the run's own end. */
function endIsRight({ ending, exitCode, killed }, { status, exitCode: code, failure }) {
  const own = {
    'exit-0': status === 'done' && code === 0,
    leftovers: status === 'done' && code === 0,
    'exit-n': status === 'failed' && code === exitCode && failure.kind === 'exit',
    signal: status === 'failed' && failure.kind === 'signal',
    'time-limit': status === 'timed_out',
    kill: false,
  }[ending];
  return own || (killed && status === 'killed');
}

/**
 * The program writes each block of lines to its log first, then to stdout. One that was ended in between has at most
 * one block more in its log.
 */
function compare({ bytes, dropped }, log, endedFromOutside) {
  if (dropped === 0 && sha(bytes) === sha(log)) return { lost: 0, doubled: 0 };
  const common = sha(bytes) === sha(log.subarray(0, bytes.length));
  const missing = log.length - bytes.length;
  if (endedFromOutside && common && missing >= 0 && missing <= 500 * 400) return { lost: 0, doubled: 0 };
  return { lost: Math.max(1, missing), doubled: bytes.length > log.length || (!common && missing <= 0) ? 1 : 0 };
}

/** Checks every run against what really happened; answers counts that all have to be zero, and what was wrong. */
export async function verify(world, runs) {
  const { mcp, env } = world;
  const found = { bytes: 0, lost: 0, doubled: 0, startedTwice: 0, wrongEnd: 0, jobDisagrees: 0, leftOver: 0 };
  const problems = [];
  const complain = (run, what) => problems.push(`run ${run.number} (${run.runId}, ${run.ending}): ${what}`);
  for (const run of runs) {
    const status = await mcp.call('get_agent_status', { runId: run.runId });
    const output = await outputOf(mcp, run.runId);
    const starts = readOrEmpty(run.starts).toString().split('\n').filter(Boolean).length;
    const neverStarted = status.status === 'killed' && status.startedAt === undefined;
    const { lost, doubled } = compare(output, readOrEmpty(run.log), run.endless || status.status === 'killed');
    found.bytes += output.bytes.length;
    found.lost += lost;
    found.doubled += doubled;
    if (lost || doubled)
      complain(
        run,
        `${output.bytes.length} bytes in the stream, ${readOrEmpty(run.log).length} written, ${output.dropped} dropped`,
      );
    if (starts > 1 || (starts === 0 && !neverStarted && status.status !== 'killed')) {
      found.startedTwice += 1;
      complain(run, `started ${starts} times`);
    }
    if (!endIsRight(run, status)) {
      found.wrongEnd += 1;
      complain(run, `ended as ${status.status} ${status.exitCode ?? ''} ${JSON.stringify(status.failure ?? {})}`);
    }
    run.status = status;
    const left = processesOf(run.runId);
    found.leftOver += left.length;
    if (left.length > 0) complain(run, `left processes ${left.map(({ pid }) => pid).join(', ')}`);
  }
  for (const spool of await spoolsThatStay(world)) {
    found.leftOver += 1;
    problems.push(`spool ${spool} is left over`);
  }
  const redis = new Redis({ path: env.REDIS_URL.replace('unix://', ''), maxRetriesPerRequest: null });
  await checkJobs(redis, runs, found, complain);
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
    const wanted = WANTED[run.status.status];
    let state;
    do {
      const job = await queue.getJob(run.runId);
      state = job ? await job.getState() : 'removed';
      if (state === wanted || (state === 'removed' && run.status.status === 'killed')) break;
      await pause(200);
    } while (performance.now() < deadline);
    if (state === wanted || (state === 'removed' && run.status.status === 'killed')) continue;
    found.jobDisagrees += 1;
    complain(run, `its job is ${state}, the run ${run.status.status}`);
  }
  const locks = await redis.keys('*:lock');
  found.leftOver += locks.length;
  if (locks.length > 0) complain({ number: '-', runId: '-', ending: '-' }, `${locks.length} locks are left over`);
  await queue.close();
}
