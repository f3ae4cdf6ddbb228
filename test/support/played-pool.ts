import { rememberToken } from './http-token.js';
import { makePlace, type Place } from './pool.js';
import { type McpSession, openMcp, type Started, startAgentpool, startWorkerProcess } from './processes.js';

/** The demo prints the first line of its prompt, as agents do; this second line is nowhere but in the request. */
export const SECRET = 'words-that-nobody-may-see';
export const promptOf = (first: string) => `${first}\n${SECRET}`;

/** A pool of real processes with one run in each of five states, for tests of what a person sees. */
export interface PlayedPool {
  readonly place: Place;
  readonly mcp: McpSession;
  readonly url: string;
  /** Run ids by agent name: reviewer is done, reporter failed, builder runs, wanderer was killed, stranger is queued. */
  readonly ids: Readonly<Record<string, string>>;
  run(agentName: string, first: string, extra?: object): Promise<string>;
  /** How many runs are in each state, as `list_runs` tells. */
  states(): Promise<Record<string, number>>;
  /** Ends the HTTP server; the answer starts it again on the same port. */
  endServer(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export const FOR_LONG = 'lines 10000 every 100';

export async function playPool(): Promise<PlayedPool> {
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'here' });
  const worker = await startWorkerProcess(place);
  // A host has to have been there before a run may ask for it.
  await (await startWorkerProcess(place, '--host', 'nowhere')).end();
  const serve = (port: string) => startAgentpool(place, ['serve', '--port', port, '--json']);
  let server: Started = await serve('0');
  const { url } = JSON.parse(server.line) as { url: string };
  rememberToken(url, place);
  const mcp = await openMcp(place);
  const ids: Record<string, string> = {};

  async function run(agentName: string, first: string, extra: object = {}): Promise<string> {
    const asked = { runner: 'demo', mode: 'quick', agentName, prompt: promptOf(first), ...extra };
    const { runId } = await mcp.call<{ runId: string }>('run_agent', asked);
    ids[agentName] = runId;
    return runId;
  }

  await run('reviewer', 'say hello');
  await run('reporter', 'please fail');
  await run('builder', FOR_LONG);
  await run('wanderer', FOR_LONG);
  await run('stranger', 'say hello', { host: 'nowhere' });
  await mcp.call('kill_agent', { runId: ids.wanderer, reason: 'wrong branch', graceMs: 500 });
  for (const name of ['reviewer', 'reporter']) await mcp.call('wait_agent', { runId: ids[name], timeoutMs: 30_000 });

  return {
    place,
    mcp,
    url,
    ids,
    run,
    async states() {
      const { runs } = await mcp.call<{ runs: { status: string }[] }>('list_runs', { limit: 200 });
      const counts: Record<string, number> = {};
      for (const { status } of runs) counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    },
    async endServer() {
      await server.end();
      return async () => {
        server = await serve(new URL(url).port);
      };
    },
    async stop() {
      for (const runId of Object.values(ids)) await mcp.call('kill_agent', { runId, graceMs: 100 });
      await mcp.close();
      await server.end();
      await worker.end();
      place.clean();
    },
  };
}
