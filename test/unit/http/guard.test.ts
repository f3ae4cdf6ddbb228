import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { checkHostAndOrigin, isLoopback } from '../../../src/http/guard.js';

async function ask(app: Hono, headers: Record<string, string>): Promise<{ status: number; code?: string }> {
  const response = await app.request('/', { headers });
  if (response.status === 200) return { status: 200 };
  expect(response.headers.get('content-type')).toBe('application/json');
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
}

const passed = { status: 200 };
const wrongHost = { status: 403, code: 'wrong_host' };
const wrongOrigin = { status: 403, code: 'wrong_origin' };

function guarded(...allowedHosts: string[]): Hono {
  const app = new Hono();
  app.use(checkHostAndOrigin(allowedHosts));
  return app.get('/', (context) => context.text('in'));
}

describe('a server on loopback', () => {
  const app = guarded();

  test.each(['localhost', 'localhost:7333', 'LocalHost:1', '127.0.0.1', '127.0.0.1:7333', '[::1]', '[::1]:7333'])(
    'answers to the name %s',
    async (host) => {
      expect(await ask(app, { host })).toEqual(passed);
    },
  );

  test.each([
    'evil.example',
    'evil.example:7333',
    'localhost.evil.example',
    'evil.example#localhost',
    'localhost@evil.example',
    'evil.example, localhost',
    'localhost.',
    'localhost:7333:1x',
    '::1',
    '[::1',
    '[::2]',
    '127.0.0.2',
    '0.0.0.0:7333',
    '[::ffff:127.0.0.1]',
    ':7333',
    '',
  ])('refuses the name "%s"', async (host) => {
    expect(await ask(app, { host })).toEqual(wrongHost);
  });

  test('refuses a request without a name', async () => {
    expect(await ask(app, {})).toEqual(wrongHost);
  });

  test.each([
    'http://localhost',
    'http://localhost:3000',
    'https://127.0.0.1:7333',
    'http://[::1]:80',
    'HTTP://LOCALHOST',
  ])('answers a page of the origin %s', async (origin) => {
    expect(await ask(app, { host: 'localhost', origin })).toEqual(passed);
  });

  test.each([
    'null',
    '',
    'http://evil.example',
    'http://localhost.evil.example',
    'http://evil.example:7333',
    'http://localhost@evil.example',
    'http://[::2]',
    'file://',
    'file:///localhost',
    'chrome-extension://abcdef',
    'localhost',
    'localhost:7333',
    'data:text/html,localhost',
  ])('refuses a page of the origin "%s"', async (origin) => {
    expect(await ask(app, { host: 'localhost', origin })).toEqual(wrongOrigin);
  });
});

describe('a name of AGENTPOOL_ALLOWED_HOSTS', () => {
  test.each([
    ['pool.example', 'pool.example:7333'],
    ['Pool.Example', 'POOL.example'],
    ['pool.example:8443', 'pool.example:8443'],
    ['2001:db8::1', '[2001:db8::1]:7333'],
    ['[2001:DB8:0::1]:80', '[2001:db8::1]'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ])('such as %s lets requests for %s pass, and pages of that origin', async (allowed, host) => {
    expect(await ask(guarded(allowed), { host })).toEqual(passed);
    expect(await ask(guarded(allowed), { host, origin: `https://${host}` })).toEqual(passed);
    expect(await ask(guarded('other.example'), { host })).toEqual(wrongHost);
    expect(await ask(guarded('other.example'), { host: 'other.example', origin: `https://${host}` })).toEqual(
      wrongOrigin,
    );
  });

  test.each(['*', '.example', 'example', '', '/'])('such as "%s" stands for no other name', async (allowed) => {
    expect(await ask(guarded(allowed), { host: 'pool.example' })).toEqual(wrongHost);
  });
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['::ffff:127.0.0.1', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['', false],
])('the address "%s" is one of loopback: %s', (address, loopback) => {
  expect(isLoopback(address)).toBe(loopback);
});
