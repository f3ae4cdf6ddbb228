import { expect, it } from 'vitest';
import { lookAtHost, removeHost } from '../../../src/client/remove-host.js';
import { submit } from '../../../src/client/submit.js';
import type { Pool } from '../../../src/shared/pool.js';
import { LOCAL } from '../../../src/shared/principal.js';
import { hostQueue } from '../../../src/shared/queues/route.js';
import { cleanUpAfterEach } from '../../support/beginnings.js';
import { connect, makePlace } from '../../support/pool.js';

const cleanUp = cleanUpAfterEach();

it('goes on with a removal that broke off when Redis went away, although the queues of the host are forgotten', async () => {
  const place = makePlace();
  const pool = await connect(place);
  cleanUp.push(place.clean, pool.stop);
  const asking = (runs: Partial<Pool['runs']> = {}) => ({
    pool: { ...pool, runs: { ...pool.runs, ...runs } },
    principal: LOCAL,
  });
  await pool.queues.announce(hostQueue('gone'));
  const { run } = await submit(asking(), { runner: 'scripted', prompt: '[]', host: 'gone' });
  const requestKill = () => Promise.reject(new Error('Connection is closed.'));
  await expect(removeHost(asking({ requestKill }), 'gone')).rejects.toThrow('closed');
  expect(await pool.queues.names()).not.toContain(run.queue);

  expect(await lookAtHost(asking(), 'gone')).toEqual({ host: 'gone', killed: 1, lost: 0 });
  expect(await removeHost(asking(), 'gone')).toEqual({ host: 'gone', killed: 1, lost: 0 });
  expect(await pool.runs.get(run.id)).toMatchObject({ state: 'killed' });
  expect(await pool.queues.bullQueue(run.queue).getJob(run.id)).toBeUndefined();
  await expect(removeHost(asking(), 'gone')).rejects.toMatchObject({ code: 'unknown_host' });
});
