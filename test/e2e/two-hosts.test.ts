import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identify } from '../../src/worker/process/processes.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

/** Two hosts on one machine: each with a state directory, a home and a name of its own, and the same Redis. */
const east = makePlace({ AGENTPOOL_HOST_NAME: 'east', AGENTPOOL_CONCURRENCY: '2' });
const west: Place = (() => {
  const own = makePlace();
  const shared = {
    AGENTPOOL_PREFIX: east.env.AGENTPOOL_PREFIX ?? '',
    AGENTPOOL_CONCURRENCY: '2',
    AGENTPOOL_HOST_NAME: 'west',
  };
  return { ...own, env: { ...own.env, ...shared } };
})();
let workers: Started[];
let onEast: McpSession;
let onWest: McpSession;

beforeAll(async () => {
  workers = await Promise.all([startWorkerProcess(east), startWorkerProcess(west)]);
  [onEast, onWest] = await Promise.all([openMcp(east), openMcp(west)]);
});
afterAll(async () => {
  await Promise.all([onEast.close(), onWest.close()]);
  await Promise.all(workers.map((worker) => worker.end()));
  east.clean();
  west.clean();
});

interface Submitted extends Facts {
  runId: string;
  host: string;
  pid: number;
}

describe('two hosts', () => {
  it('share the runs, and each run is read and killed from the other side', async () => {
    const prompt = steps({ print: 'hello\n' }, { pause: 600_000 });
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => onEast.call<Submitted>('run_agent', { runner: 'scripted', prompt })),
    );
    const seen = await Promise.all(
      runs.map(({ runId }) =>
        eventually(
          () => onWest.call<Submitted>('get_agent_status', { runId }),
          ({ outputBytes }) => outputBytes === 6,
        ),
      ),
    );
    expect(seen.map(({ host }) => host).sort()).toEqual(['east', 'east', 'west', 'west']);
    for (const { runId, host, pid } of seen) {
      const other = host === 'east' ? onWest : onEast;
      expect(await other.call<Facts>('stream_agent_output', { runId })).toMatchObject({ output: 'hello\n' });
      expect(await other.call<Facts>('kill_agent', { runId })).toMatchObject({ killed: true, pid });
      expect(identify(pid)).toBeUndefined();
    }
  });

  it('resume a session on the host that has it, also when the other one is free', async () => {
    const first = await onEast.call<Submitted>('run_agent', {
      runner: 'demo',
      mode: 'quick',
      prompt: 'my name is Ann',
      agentName: 'ann',
      host: 'west',
    });
    const { sessionId } = await onEast
      .call<{ sessionId: string }>('get_agent_status', { runId: first.runId })
      .then(async () => {
        await onEast.call('wait_agent', { runId: first.runId });
        return onEast.call<{ sessionId: string }>('get_agent_status', { runId: first.runId });
      });
    for (const how of [{ sessionId }, { autoResume: true }]) {
      const { runId } = await onEast.call<Submitted>('run_agent', {
        runner: 'demo',
        mode: 'quick',
        prompt: 'who am I?',
        agentName: 'ann',
        ...how,
      });
      await onEast.call('wait_agent', { runId });
      const { output } = await onEast.call<{ output: string }>('stream_agent_output', { runId });
      expect(output).toMatch(/before, you said: (my name is Ann|who am I\?)/);
      expect(await onEast.call<Facts>('get_agent_status', { runId })).toMatchObject({ host: 'west', sessionId });
    }
  });

  it('appear in pool_status and list_runs, whoever asks', async () => {
    const { workers: seen } = await onWest.call<{ workers: Facts[] }>('pool_status', {});
    expect(seen.map(({ host, alive }) => [host, alive])).toEqual([
      ['east', true],
      ['west', true],
    ]);
    const page = await onEast.call<{ runs: Facts[]; nextCursor?: string }>('list_runs', { host: 'west', limit: 2 });
    expect(page.runs.map(({ host }) => host)).toEqual(['west', 'west']);
    const rest = await onEast.call<{ runs: Facts[]; stats: Facts[] }>('list_runs', {
      host: 'west',
      limit: 200,
      cursor: page.nextCursor,
      stats: true,
    });
    const ids = [...page.runs, ...rest.runs].map(({ runId }) => runId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(rest.stats).toContainEqual(expect.objectContaining({ runner: 'demo', status: 'done', count: 3 }));
  });
});
