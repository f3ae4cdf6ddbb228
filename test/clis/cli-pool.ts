import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelEndpoint } from '../support/model-endpoint.js';
import { makePlace, type Place } from '../support/pool.js';
import { eventually, type Facts, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';
import { PATH } from './programs.js';
import type { RealRunner } from './real-runner.js';

/** A machine that is busy with other things may take ten times as long as an idle one (ms). */
export const PATIENCE_MS = 400_000;

/** A pool whose worker has a real program on its PATH, and a scripted model for that to ask. */
export interface CliPool {
  readonly place: Place;
  readonly mcp: McpSession;
  startWorker(): Promise<void>;
  /** Submits a run of the program; answers with its id. */
  run(prompt: string, more?: Facts): Promise<string>;
  status(runId: string): Promise<Facts>;
  /** Waits for the end of a run. */
  end(runId: string): Promise<Facts>;
  stop(): Promise<void>;
}

/** Programs keep files beside the home directory, too. */
export const temporary = ({ env: { HOME = '' } }: Place) => ({ TMPDIR: HOME, CLAUDE_CODE_TMPDIR: HOME });

export async function openCliPool(
  real: RealRunner,
  model: ModelEndpoint,
  env: Record<string, string> = {},
): Promise<CliPool> {
  const place = makePlace({ PATH, AGENTPOOL_RUNNERS: real.name });
  Object.assign(place.env, temporary(place), real.setUp(place.env.HOME ?? '', model.url), env);
  const mcp = await openMcp(place);
  const workers: Awaited<ReturnType<typeof startWorkerProcess>>[] = [];
  const runs: string[] = [];
  return {
    place,
    mcp,
    async startWorker() {
      workers.push(await startWorkerProcess(place));
    },
    async run(prompt, more = {}) {
      const { runId } = await mcp.call('run_agent', { runner: real.name, prompt, ...more });
      runs.push(String(runId));
      return String(runId);
    },
    status: (runId) => mcp.call('get_agent_status', { runId, tailBytes: 262_144 }),
    // One call waits no longer than a client allows, and some programs take longer than that.
    end: (runId) =>
      eventually(
        () => mcp.call('wait_agent', { runId, timeoutMs: 40_000 }),
        ({ timedOut }) => timedOut === false,
        PATIENCE_MS,
      ),
    async stop() {
      await Promise.all(workers.map((worker) => worker.end()));
      await mcp.close();
      // After a test that went wrong programs may still run: a worker leaves them alone when it stops.
      for (const pid of runs.flatMap(markedPids)) process.kill(Number(pid), 'SIGKILL');
      place.clean();
    },
  };
}

/** Writes a shell script into the working directory; some programs refuse to run a bare `sleep`. */
export function script({ work }: Place, name: string, ...lines: string[]): string {
  const file = join(work, name);
  writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(file, 0o755);
  return file;
}

/** The living processes that carry the mark of a run. */
function markedPids(runId: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => fileOf(pid, 'environ').split('\0').includes(`AGENTPOOL_RUN=${runId}`));
}

/** The command lines of the living processes that carry the mark of a run. */
export const markedCommands = (runId: string): string[] =>
  markedPids(runId).map((pid) => fileOf(pid, 'cmdline').split('\0').join(' ').trim());

/** Waits until no process of a run is left; the shell that waited for the program may take a moment longer than it. */
export const allGone = (runId: string) =>
  eventually(
    () => markedCommands(runId),
    (left) => left.length === 0,
  );

/** What the kernel says of a process; empty when it is gone. */
export function fileOf(pid: string, name: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** A promise and its end. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

/** Makes a value when it is first wanted, for several tests. */
export const once = <Value>(make: () => Promise<Value>) => {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
