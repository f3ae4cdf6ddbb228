import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { makePlace } from '../support/pool.js';
import { agentpool } from '../support/processes.js';

const place = makePlace({ REDIS_URL: '' });
let pid = 0;
afterAll(async () => {
  if (pid > 0) process.kill(pid, 'SIGCONT');
  await agentpool(place, ['down']);
  place.clean();
});

/** The private Redis says its pid in its log. */
const pidOf = (log: string) => Number(/^(\d+):/.exec(readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '')?.[1]);

async function timed() {
  const begun = performance.now();
  const answered = await agentpool(place, ['runs']);
  return { answered, tookMs: performance.now() - begun };
}

describe('a private Redis that is stopped', () => {
  it('is told by the command line within 6 s, which starts no second one, and used again when it goes on', async () => {
    expect(await agentpool(place, ['runs'])).toMatchObject({ code: 0 });
    pid = pidOf(`${place.home}/redis/redis.log`);
    const well = await timed();
    process.kill(pid, 'SIGSTOP');
    const { answered, tookMs } = await timed();
    expect(answered).toMatchObject({ code: 69 });
    expect(answered.stderr).toContain('private Redis does not answer');
    expect(tookMs).toBeLessThan(6_000 + 2_000 + well.tookMs); // a busy machine
    console.log(`private Redis stopped: an answer after ${Math.round(tookMs)} ms`);
    process.kill(pid, 'SIGCONT');
    expect(await agentpool(place, ['runs'])).toMatchObject({ code: 0 });
    expect(pidOf(`${place.home}/redis/redis.log`)).toBe(pid);
  });
});
