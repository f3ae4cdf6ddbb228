import { afterAll, expect, test } from 'vitest';
import { makePlace } from '../support/pool.js';
import { agentpool, startAgentpool } from '../support/processes.js';

const place = makePlace({ AGENTPOOL_PORT: '0', AGENTPOOL_RUNNERS: 'demo' });
afterAll(() => place.clean());

test('agentpool open leads to the page of a run, and lets one browser in, once', async () => {
  expect(await agentpool(place, ['open', 'demo'])).toMatchObject({ code: 2 });
  const up = await startAgentpool(place, ['up', '--json']);
  try {
    const { code, stderr } = await agentpool(place, ['run', 'demo', 'say hello', '--mode', 'quick']);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const { stdout } = await agentpool(place, ['open', 'demo']);
    const login = await fetch(stdout.trim(), { redirect: 'manual' });
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const page = new URL(login.headers.get('location') ?? '', stdout.trim());
    expect(page.pathname).toMatch(/^\/runs\/r[0-9a-z]{19}$/);
    const shown = await fetch(page, { headers: { cookie } });
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining('say hello')]);
    expect((await fetch(stdout.trim(), { redirect: 'manual' })).headers.get('set-cookie')).toBeNull();
  } finally {
    await up.end();
  }
  expect(await agentpool(place, ['open', 'demo'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('agentpool up --detach'),
  });
});
