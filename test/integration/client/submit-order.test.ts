import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submit } from '../../../src/client/submit.js';
import type { Pool } from '../../../src/shared/pool.js';
import { LOCAL } from '../../../src/shared/principal.js';
import { monitorCommands } from '../../support/monitor.js';
import { connect, makePlace, type Place } from '../../support/pool.js';

let place: Place;
let pool: Pool;
let redis: Redis;

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place);
  redis = new Redis(place.env.REDIS_URL ?? '');
});
afterEach(async () => {
  await pool.stop();
  redis.disconnect();
  place.clean();
});

describe('what a submission writes', () => {
  const submitted = () => submit({ pool, principal: LOCAL }, { runner: 'scripted', prompt: '[]' });

  it('is in the indexes, then has its record, then its job, then is told, with no question between', async () => {
    await submitted(); // the scripts are loaded
    const monitor = await monitorCommands(place.env.REDIS_URL ?? '', pool.config.prefix);
    const { run, queuePosition } = await submitted();
    // What a script does is not looked at; the script itself is what was sent.
    const seen = (await monitor.seen()).filter(({ isOfScript }) => !isOfScript);
    monitor.stop();
    expect(queuePosition).toBe(2);
    const first = seen.findIndex(({ name, rest }) => name === 'zadd' && rest.includes(run.id));
    const last = seen.findIndex(({ name }) => name === 'publish');
    const written = seen.slice(first, last + 1);
    const scripts = written.filter(({ name }) => name === 'evalsha');
    expect(written.map(({ name }) => name)).toEqual([
      ...written.flatMap(({ name }) => (name === 'zadd' ? ['zadd'] : [])),
      'evalsha',
      'evalsha',
      'publish',
    ]);
    expect(scripts.map(({ rest }) => rest.includes(':prioritized"'))).toEqual([false, true]);
    expect(scripts[0]?.rest).toContain(run.id);
  });

  it('is one job, and one notification for all that come at one moment', async () => {
    await submitted();
    const told: string[] = [];
    const listening = redis.duplicate();
    listening.on('pmessage', (_pattern: string, channel: string) => told.push(channel));
    const end = `${pool.config.prefix}:queue-bell:end`;
    await listening.psubscribe(`${pool.config.prefix}:queue-bell:*`);
    const runs = await Promise.all(Array.from({ length: 20 }, submitted));
    const [
      {
        run: { queue },
      } = { run: { queue: '' } },
    ] = runs;
    while (told.length === 0) await pause(5);
    await redis.publish(end, '1');
    while (!told.includes(end)) await pause(5);
    listening.disconnect();
    expect(told).toHaveLength(2);
    expect(await pool.queues.bullQueue(queue).count()).toBe(21);
    const ids = new Set(runs.map(({ run }) => run.id));
    const positions = runs.map(({ queuePosition = 0 }) => queuePosition).sort((a, b) => a - b);
    expect([ids.size, positions]).toEqual([20, Array.from({ length: 20 }, (_, at) => at + 2)]);
  });
});
