import { join } from 'node:path';

/** Ends that come from outside: until then the program goes on for ever. */
export const isEndless = ({ ending }) => ending === 'kill' || ending === 'time-limit';

/** What the program of a run does: says that it was started, prints its lines and logs them, and ends as planned. */
function promptFor(run) {
  const { number, count, bytes, everyMs, ending, exitCode, log, printed, starts } = run;
  const ends = {
    signal: [{ signal: 'SIGABRT' }],
    leftovers: [{ spawn: { command: 'sleep 600 & setsid sleep 601', setsid: true } }, { exit: 0 }],
    'exit-n': [{ printError: 'it was to be so\n' }, { exit: exitCode }],
  };
  const last = isEndless(run) ? [{ pause: 3_600_000 }] : (ends[ending] ?? [{ exit: 0 }]);
  return JSON.stringify([
    { mark: starts },
    { lines: { count, bytes, everyMs, log, printed, checksum: `run ${number}` } },
    ...last,
  ]);
}

/** Submits a run; the token makes that safe to repeat. Its id and files are in `run` from then on. */
export async function submit(world, run) {
  for (const name of ['log', 'printed', 'starts']) run[name] = join(world.work, `${run.number}.${name}`);
  const { runId } = await world.mcp.call('run_agent', {
    runner: 'scripted',
    agentName: `run-${run.number}`,
    prompt: promptFor(run),
    clientToken: `chaos-${run.number}`,
    ...(run.timeoutMs && { timeoutMs: run.timeoutMs }),
  });
  run.runId = runId;
}

/** Waits for the end of every run, however long a loaded machine takes; answers false when the patience (ms) is over. */
export async function allEnded(world, runs, patienceMs) {
  const until = performance.now() + patienceMs;
  for (const run of runs)
    for (;;) {
      const { timedOut } = await world.mcp.call('wait_agent', { runId: run.runId, timeoutMs: 5_000 });
      if (!timedOut) break;
      if (performance.now() > until) return false;
    }
  return true;
}
