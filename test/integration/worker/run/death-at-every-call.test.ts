import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import type { RunRequest } from '../../../../src/shared/run.js';
import { isEnded } from '../../../../src/shared/run-state.js';
import { BEGINNING } from '../../../../src/shared/run-store/output.js';
import { connect, makePlace } from '../../../support/pool.js';
import { eventually, type Started, startWorkerProcess } from '../../../support/processes.js';

// Real worker processes that are killed by SIGKILL: what they leave is all that the next one has.
const PRELOAD = new URL('../../../fixtures/die-at-call.mjs', import.meta.url).pathname;
const AT_ONCE = 3;
/** By then the run has begun, or is in its queue again as any other one. */
const MOST_CALLS = 50;

/** Takes its prompt, leaves a mark for each start, and prints. */
const PROGRAM = 'cat >/dev/null; echo start >>starts; echo one; sleep 0.1; echo two';
const RUNNERS = {
  quick: { command: 'sh', args: ['-c', PROGRAM] },
  'by-argument': { command: 'sh', args: ['-c', PROGRAM], prompt: 'argument' },
};
/** More than the kernel takes in one argument of a program. */
const TOO_LONG = 'x'.repeat(200_000);

interface Way {
  readonly request: RunRequest;
  /** The connections to Redis are lost at the call after the one that has this word. */
  readonly cutAfter?: string;
  readonly becomes: object;
}

const agentName = 'ann';
const done = { state: 'done', failure: undefined, starts: 1, output: 'one\ntwo\n' };
const WAYS: Readonly<Record<string, Way>> = {
  'starts a program': { request: { runner: 'quick', agentName, prompt: 'x' }, becomes: done },
  'loses Redis just before it starts a program': {
    request: { runner: 'quick', agentName, prompt: 'x' },
    cutAfter: 'launchFacts',
    becomes: done,
  },
  'cannot start a program': {
    request: { runner: 'by-argument', agentName, prompt: TOO_LONG },
    becomes: { state: 'failed', failure: 'invalid_request', starts: 0, output: '' },
  },
};

/** One run on a worker that dies at a call, counted from 1, and then on another one of the same host. */
async function play({ request, cutAfter }: Way, dieAt?: number) {
  const place = makePlace({
    AGENTPOOL_HOST_NAME: 'here',
    AGENTPOOL_RUNNERS: request.runner,
    AGENTPOOL_HEARTBEAT_MS: '300',
    AGENTPOOL_LOCK_MS: '3000', // how long a job stays with a dead worker
    AGENTPOOL_LOG_LEVEL: 'fatal',
  });
  writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners: RUNNERS }));
  const file = (name: string) => join(place.work, name);
  const linesOf = (name: string) =>
    existsSync(file(name)) ? readFileSync(file(name), 'utf8').split('\n').slice(0, -1) : [];
  const dying = {
    ...place.env,
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CALLS_FILE: file('calls'),
    ...(dieAt !== undefined && { DIE_AT_CALL: String(dieAt) }),
    ...(cutAfter !== undefined && { CUT_AFTER: cutAfter }),
  };
  const pool = await connect(place, 'working');
  const workers: Started[] = [];
  try {
    const id = newRunId();
    const first = await startWorkerProcess({ ...place, env: dying });
    workers.push(first);
    const died = new Promise((resolve) => first.child.once('exit', resolve));
    await pool.runs.create(id, `runs.${request.runner}`, request);
    await pool.queues.placeAnew(id, `runs.${request.runner}`, request);
    const ended = eventually(
      () => pool.runs.get(id),
      (run) => run !== undefined && isEnded(run.state),
      60_000,
    );
    ended.catch(() => {}); // it is awaited below
    await Promise.race([died, ended]);
    if (first.child.signalCode !== null) workers.push(await startWorkerProcess(place));
    const run = await ended;
    const { bytes } = await pool.runs.output(id, { from: BEGINNING, maxBytes: 1_000 });
    return {
      became: {
        state: run?.state,
        failure: run?.failure?.kind,
        starts: linesOf('starts').length,
        output: bytes.toString(),
      },
      calls: linesOf('calls'),
    };
  } finally {
    await Promise.all(workers.map(({ child, end }) => (child.signalCode === null ? end('SIGKILL') : undefined)));
    await pool.stop();
    place.clean();
  }
}

test.each(Object.keys(WAYS))(
  'a worker that %s and dies at any call leaves the run to the next one, which starts it once or tells its end',
  async (name) => {
    const way = WAYS[name] as Way;
    const { became, calls } = await play(way);
    expect(became).toEqual(way.becomes);
    const wrong: unknown[] = [];
    const deaths = Array.from({ length: Math.min(calls.length, MOST_CALLS) }, (_, before) => before + 1);
    const work = async () => {
      for (let dieAt = deaths.shift(); dieAt !== undefined; dieAt = deaths.shift()) {
        const played = await play(way, dieAt).catch((error) => ({ became: String(error), calls: [] }));
        const isRight = JSON.stringify(played.became) === JSON.stringify(way.becomes);
        if (!isRight) wrong.push({ dieAt, last: played.calls.slice(-2), became: played.became });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    console.info(
      `${name}: ${Math.min(calls.length, MOST_CALLS)} deaths, the last at: ${calls[MOST_CALLS - 1] ?? calls.at(-1)}`,
    );
    expect(wrong).toEqual([]);
    expect(calls.length).toBeGreaterThan(10);
  },
);
