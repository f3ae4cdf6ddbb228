import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../../../src/shared/config/load.js';
import { readSources, type Trust } from '../../../../src/shared/config/sources.js';

const HOME = '/home/ann';
const USER = '/home/ann/.config/agentpool';
const STATE = '/state';
const HERE = '/checkout';

type Files = Readonly<Record<string, string>>;
const runner = (command: string) => JSON.stringify({ runners: { own: { command } } });
const surroundings = (files: Files, env: Files = {}, trust?: Trust) => ({
  env: { HOME, AGENTPOOL_HOME: STATE, ...env },
  cwd: HERE,
  readFile: (path: string) => files[path],
  ...(trust && { trust: () => trust }),
});
const load = (files: Files, env?: Files, trust?: Trust): Config => loadConfig(surroundings(files, env, trust));

describe('settings', () => {
  test('come from the environment, then a named file, a trusted directory, AGENTPOOL_HOME, the directory of the user', () => {
    const places = ['/named', HERE, STATE, USER].map((directory) => `${directory}/.env`);
    const files = Object.fromEntries(places.map((path, at) => [path, `AGENTPOOL_PORT=${at + 1}`]));
    const port = (left: string[], env: Files = {}) =>
      load(
        Object.fromEntries(left.map((path) => [path, files[path] ?? ''])),
        { ...(left.includes('/named/.env') && { AGENTPOOL_ENV_FILE: '/named/.env' }), ...env },
        'trusted',
      ).port;
    expect(port(places, { AGENTPOOL_PORT: '9' })).toBe(9);
    expect([0, 1, 2, 3].map((from) => port(places.slice(from)))).toEqual([1, 2, 3, 4]);
  });

  test.each<[Trust | undefined, RegExp]>([
    [undefined, /this command takes no configuration/],
    ['unknown', /agentpool trust/],
    ['changed', /has changed since/],
  ])('of the working directory are not taken when its trust is %s, and it is said why', (trust, why) => {
    const files = {
      [`${HERE}/.env`]: 'REDIS_URL=redis://evil\nNODE_OPTIONS=--require=/evil.js\nAGENTPOOL_CONFIG=evil.json',
      [`${HERE}/agentpool.config.json`]: runner('evil'),
      [`${HERE}/evil.json`]: runner('evil'),
    };
    const config = load(files, {}, trust);
    expect(config).toEqual(load({}));
    const { ignored } = readSources(surroundings(files, {}, trust));
    expect(ignored.map(({ path }) => path)).toEqual([
      `${HERE}/agentpool.config.json`,
      `${HERE}/.env (AGENTPOOL_CONFIG, REDIS_URL)`,
    ]);
    for (const { why: said } of ignored) expect(said).toMatch(why);
  });

  test('of a .env that has none of ours are nothing to speak of', () => {
    expect(readSources(surroundings({ [`${HERE}/.env`]: 'API_KEY=x\nPORT=1' }, {}, 'unknown')).ignored).toEqual([]);
  });

  test('are all that is taken from a .env, wherever it is, and the rest is named', () => {
    const { settings, ignored } = readSources(
      surroundings({ [`${STATE}/.env`]: 'AGENTPOOL_PORT=1\nNODE_OPTIONS=x\nAGENTPOOL_HOME=/other' }),
    );
    expect(settings).toEqual({ AGENTPOOL_HOME: STATE, AGENTPOOL_PORT: '1' });
    expect(ignored).toEqual([{ path: `${STATE}/.env`, why: expect.stringContaining('AGENTPOOL_HOME, NODE_OPTIONS') }]);
  });

  test('that decide which files are read come from the environment alone', () => {
    const files = { [`${USER}/.env`]: 'AGENTPOOL_ENV_FILE=/evil\nAGENTPOOL_DIRECTORY_CONFIG=trusted', '/evil': 'x=1' };
    expect(readSources(surroundings(files)).settings).toEqual({ AGENTPOOL_HOME: STATE });
  });

  test('of a trusted directory are not taken where AGENTPOOL_DIRECTORY_CONFIG says never', () => {
    const files = { [`${HERE}/.env`]: 'AGENTPOOL_PORT=1' };
    expect(load(files, { AGENTPOOL_DIRECTORY_CONFIG: 'never' }, 'trusted').port).toBe(7333);
  });

  test('that are paths begin where their file is', () => {
    const files = { [`${USER}/.env`]: 'AGENTPOOL_CONFIG=more.json', [`${USER}/more.json`]: runner('x') };
    expect(load(files).customRunners.own?.command).toBe('x');
  });

  test('that are wrong are told with the file that they are in', () => {
    const files = { [`${STATE}/.env`]: 'AGENTPOOL_PORT=x\nAGENTPOOL_PROT=1' };
    expect(() => load(files)).toThrow(`AGENTPOOL_PORT (in ${STATE}/.env): must be a whole number`);
    expect(() => load(files)).toThrow(`AGENTPOOL_PROT (in ${STATE}/.env): no such setting`);
  });

  test('may have a byte order mark at their head', () => {
    const files = {
      [`${STATE}/.env`]: '\uFEFFAGENTPOOL_PORT=1',
      [`${STATE}/agentpool.config.json`]: `\uFEFF${runner('x')}`,
    };
    expect(load(files)).toMatchObject({ port: 1, customRunners: { own: { command: 'x' } } });
  });
});

describe('custom runners', () => {
  const files = Object.fromEntries([HERE, STATE, USER].map((at) => [`${at}/agentpool.config.json`, runner(at)]));

  test('come from the nearest file that has one of that name', () => {
    expect(load(files, {}, 'trusted').customRunners.own?.command).toBe(HERE);
    expect(load(files).customRunners.own?.command).toBe(STATE);
    expect(load(files, { AGENTPOOL_HOME: '/empty' }).customRunners.own?.command).toBe(USER);
  });

  test('come from the named file alone, if there is one', () => {
    const named = { ...files, '/named.json': JSON.stringify({ runners: { other: { command: 'x' } } }) };
    expect(Object.keys(load(named, { AGENTPOOL_CONFIG: '/named.json' }).customRunners)).toEqual(['other']);
  });
});

describe('what is not ours', () => {
  test.each([
    ['AGENTPOOL_PORT', 'tcp://10.0.0.1:7333'],
    ['AGENTPOOL_SERVICE_HOST', '10.0.0.1'],
    ['AGENTPOOL_SERVICE_PORT', '7333'],
    ['AGENTPOOL_SERVICE_PORT_HTTP', '7333'],
    ['AGENTPOOL_PORT_7333_TCP', 'tcp://10.0.0.1:7333'],
    ['AGENTPOOL_PORT_7333_TCP_ADDR', '10.0.0.1'],
    ['AGENTPOOL_PORT_7333_TCP_PROTO', 'tcp'],
    ['AGENTPOOL_REDIS_SERVICE_HOST', '10.0.0.2'],
    ['AGENTPOOL_REDIS_PORT', 'tcp://10.0.0.2:6379'],
    ['AGENTPOOL_REDIS_PORT_6379_TCP_PORT', '6379'],
    ['AGENTPOOL_TOKEN', 'a-secret'],
  ])('%s=%s is no reason to refuse the start', (name, value) => {
    expect(load({}, { [name]: value })).toEqual(load({}));
  });
});

describe('a secret in a file of its own', () => {
  test('is the setting, without the line end', () => {
    const config = load({ '/run/url': 'redis://:pw@h\n' }, { REDIS_URL_FILE: '/run/url' });
    expect(config.redisUrl).toBe('redis://:pw@h');
  });

  test('must be readable, and not be set besides', () => {
    expect(() => load({}, { REDIS_URL_FILE: '/run/url' })).toThrow('REDIS_URL_FILE: /run/url cannot be read');
    expect(() => load({ '/u': 'x' }, { REDIS_URL_FILE: '/u', REDIS_URL: 'redis://y' })).toThrow(/not both/);
  });
});

describe('a list', () => {
  test.each([
    ['AGENTPOOL_ALLOWED_PATHS', '["/a:b", "/c,d"]', 'allowedPaths', ['/a:b', '/c,d']],
    ['AGENTPOOL_RUNNERS', ' [ "demo" ] ', 'runners', ['demo']],
    ['AGENTPOOL_ALLOWED_HOSTS', '[]', 'allowedHosts', []],
    ['AGENTPOOL_ALLOWED_HOSTS', '[::1]:80,[::2]', 'allowedHosts', ['[::1]:80', '[::2]']],
  ] as const)('%s=%s may be JSON', (name, text, key, value) => {
    expect(load({}, { [name]: text })[key]).toEqual(value);
  });

  test('that begins as JSON and is not JSON is refused', () => {
    expect(() => load({}, { AGENTPOOL_RUNNERS: '["demo"' })).toThrow(/JSON list/);
  });
});
