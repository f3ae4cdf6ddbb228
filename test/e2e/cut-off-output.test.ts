import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace } from '../support/pool.js';
import { eventually, type Facts, openMcp, startWorkerProcess } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

const MIB = 1024 * 1024;
const PRINTED = 40 * MIB;
/** Of what nobody has shipped when a run is ended in the midst of its work. */
const KEPT = 16 * MIB;

const cleanUp = cleanUpAfterEach();

it('of a run that is ended while Redis is away, the last 16 MiB are kept, and the rest is counted as dropped', async () => {
  const redis = await startRedis();
  cleanUp.push(() => redis.stop());
  const place = makePlace({ AGENTPOOL_HOST_NAME: 'here' }, redis.url);
  cleanUp.push(place.clean);
  writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners: { shell: { command: 'sh' } } }));
  const worker = await startWorkerProcess(place);
  cleanUp.push(() => worker.end('SIGKILL'));
  const mcp = await openMcp(place);
  cleanUp.push(() => mcp.close());

  const go = join(place.work, 'go');
  const prompt = `echo begun; until [ -e '${go}' ]; do sleep 0.05; done; yes | head -c ${PRINTED}; echo the end; sleep 600`;
  // A limit of silence, so that it is not up before all is printed, however long that takes.
  const limits = { silenceTimeoutMs: 8_000 };
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'shell', prompt, ...limits });
  await eventually(async () => (await mcp.call<Facts>('get_agent_status', { runId })).outputBytes === 6);
  process.kill(redis.pid, 'SIGSTOP');
  try {
    writeFileSync(go, '');
    const [pool = ''] = readdirSync(join(place.home, 'spool'));
    const spool = join(place.home, 'spool', pool, 'here', runId);
    await eventually(() => statSync(join(spool, 'stdout')).size > PRINTED);
    await eventually(() => /^exit /m.test(readFileSync(join(spool, 'once'), 'utf8')));
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  const ended = await eventually(
    () => mcp.call<Facts & { droppedBytes: number }>('get_agent_status', { runId }).catch(() => undefined),
    (seen) => seen?.status === 'timed_out',
  );
  expect(ended).toMatchObject({ outputTail: expect.stringContaining('the end') });
  expect(ended?.droppedBytes).toBeGreaterThan(PRINTED - KEPT - 4 * MIB);
  expect(ended?.droppedBytes).toBeLessThanOrEqual(PRINTED - KEPT + 4 * MIB);
});
