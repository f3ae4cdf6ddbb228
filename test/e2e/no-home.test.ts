import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { giveTo, isRoot, startOpenRedis } from '../support/other-user.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, MAIN } from '../support/processes.js';
import type { TestRedis } from '../support/redis-server.js';

/** Nobody in the list of users. */
const UID = 54_321;

describe.skipIf(!isRoot())('a worker of a user without an entry and without HOME', () => {
  let place: Place;
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startOpenRedis();
    place = makePlace({}, redis.url);
    giveTo(place, UID);
  });
  afterAll(async () => {
    await redis.stop();
    place.clean();
  });

  it.each([
    ['only its programs need one', { XDG_CONFIG_HOME: '/etc' }],
    ['its configuration needs one', {}],
    ['its state needs one', { XDG_CONFIG_HOME: '/etc', AGENTPOOL_HOME: '' }],
  ])('is refused at its start, by name, when %s', async (_, given) => {
    const { HOME: _home, ...env }: Place['env'] = { ...place.env, ...given };
    const asked = { ...place, env };
    const { code, stderr } = await agentpool(asked, ['worker'], '', MAIN, { uid: UID });
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(/\bHOME: it is not set/) });
    expect(stderr).not.toContain('defect');
  });
});
