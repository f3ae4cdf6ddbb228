import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelEndpoint } from '../support/model-endpoint.js';
import { makePlace, type Place } from '../support/pool.js';
import { type Facts, type McpSession, openMcp, startWorkerProcess } from '../support/processes.js';
import { CLAUDE, pathWith } from './programs.js';

export const KEY = 'the key of the scripted model';

/** A pool whose worker has the real claude on its PATH, and a scripted model for it to ask. */
export interface ClaudePool {
  readonly place: Place;
  readonly mcp: McpSession;
  startWorker(): Promise<void>;
  /** Submits a run of claude; answers with its id. */
  run(prompt: string, more?: Facts): Promise<string>;
  status(runId: string): Promise<Facts>;
  /** Waits for the end of a run. */
  end(runId: string): Promise<Facts>;
  stop(): Promise<void>;
}

/** claude keeps files of its tools in two places, by default both in the machine's own. */
export const temporary = ({ home }: Place) => ({ TMPDIR: join(home, '..'), CLAUDE_CODE_TMPDIR: join(home, '..') });

export async function openClaudePool(model: ModelEndpoint, env: Record<string, string> = {}): Promise<ClaudePool> {
  const place = makePlace({
    PATH: pathWith(CLAUDE),
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: KEY,
    AGENTPOOL_RUNNERS: 'claude',
    ...env,
  });
  Object.assign(place.env, temporary(place));
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
      const { runId } = await mcp.call('run_agent', { runner: 'claude', prompt, ...more });
      runs.push(String(runId));
      return String(runId);
    },
    status: (runId) => mcp.call('get_agent_status', { runId }),
    end: (runId) => mcp.call('wait_agent', { runId, timeoutMs: 40_000 }),
    async stop() {
      await Promise.all(workers.map((worker) => worker.end()));
      await mcp.close();
      // After a test that went wrong programs may still run: a worker leaves them alone when it stops.
      for (const pid of runs.flatMap(markedPids)) process.kill(Number(pid), 'SIGKILL');
      place.clean();
    },
  };
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
