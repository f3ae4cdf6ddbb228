import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROVIDER_EXAMPLES } from '../../../../src/client/provider-examples.js';
import type { Pool } from '../../../../src/shared/pool.js';
import { connect, makePlace } from '../../../support/pool.js';

const place = makePlace();
const pools: Pool[] = [];
beforeAll(async () => {
  pools.push(await connect(place), await connect(place));
});
afterAll(async () => {
  for (const pool of pools) await pool.stop();
  place.clean();
});
/** Two replicas on one Redis. */
const one = () => (pools[0] as Pool).agents;
const other = () => (pools[1] as Pool).agents;

const reviewer = { name: 'reviewer', runner: 'claude', prompt: 'Review.', env: { TOKEN: '$TOKEN_A' } };

describe('the profiles of agents', () => {
  test('are seen by every replica, in full and in a list', async () => {
    const stored = await one().create({ ...reviewer, description: 'reviews' });
    expect(stored).toMatchObject({ ...reviewer, revision: 1 });
    expect(await other().get('reviewer')).toEqual(stored);
    expect(await other().list()).toEqual({
      agents: [
        expect.objectContaining({ name: 'reviewer', description: 'reviews', variables: ['TOKEN_A'], revision: 1 }),
      ],
      unreadable: [],
    });
    expect(await other().all()).toEqual({ agents: [stored], unreadable: [] });
  });

  test('have names that are taken once, also when two ask at the same moment', async () => {
    const tries = [one(), other(), one(), other()].map((agents) => agents.create({ ...reviewer, name: 'contested' }));
    const settled = await Promise.allSettled(tries);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(one().create(reviewer)).rejects.toMatchObject({ code: 'agent_exists' });
  });

  test('lose nothing when many change different parts of one at the same moment', async () => {
    await one().create({ ...reviewer, name: 'busy', env: {} });
    const names = Array.from({ length: 20 }, (_, at) => `VARIABLE_${at}`);
    await Promise.all(
      names.map((name, at) =>
        (at % 2 ? one() : other()).update('busy', (before) => ({
          ...before,
          env: { ...before.env, [name]: String(at) },
        })),
      ),
    );
    const { env, revision } = await one().get('busy');
    expect(Object.keys(env ?? {}).sort()).toEqual([...names].sort());
    expect(revision).toBe(21);
  });

  test('are changed by who has seen the present revision only, where he says so', async () => {
    const { revision } = await one().create({ ...reviewer, name: 'careful' });
    await other().update('careful', (before) => ({ ...before, prompt: 'Other.' }));
    await expect(one().update('careful', (before) => ({ ...before, prompt: 'Mine.' }), revision)).rejects.toMatchObject(
      {
        code: 'changed_meanwhile',
      },
    );
    expect(await one().get('careful')).toMatchObject({ prompt: 'Other.', revision: 2 });
  });

  test('keep their name, whatever a change says', async () => {
    await one().create({ ...reviewer, name: 'steady' });
    await one().update('steady', (before) => ({ ...before, name: 'other' }));
    expect(await one().find('other')).toBeUndefined();
  });

  test('are gone from the list, too, once they are removed', async () => {
    await one().create({ ...reviewer, name: 'gone' });
    await other().remove('gone');
    expect((await one().list()).agents.map(({ name }) => name)).not.toContain('gone');
    await expect(one().get('gone')).rejects.toMatchObject({ code: 'unknown_agent', hint: /reviewer/ });
    await expect(one().remove('gone')).rejects.toMatchObject({ code: 'unknown_agent' });
  });

  test('take no secret, neither when created nor when changed', async () => {
    const secret = { TOKEN: 'hunter2' };
    await expect(one().create({ ...reviewer, name: 'leaky', env: secret })).rejects.toMatchObject({
      code: 'secret_in_profile',
    });
    expect(await one().find('leaky')).toBeUndefined();
    await expect(one().update('reviewer', (before) => ({ ...before, env: secret }))).rejects.toMatchObject({
      code: 'secret_in_profile',
    });
    expect((await one().get('reviewer')).env).toEqual(reviewer.env);
  });

  test.each(PROVIDER_EXAMPLES.map((example) => [example.provider, example] as const))(
    'take the example for %s as it is',
    async (provider, { profile }) => {
      expect(await one().create({ name: `example-${provider}`, ...profile })).toMatchObject(profile);
    },
  );
});
