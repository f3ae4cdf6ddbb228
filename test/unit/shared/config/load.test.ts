import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, hostNameFrom, loadConfig } from '../../../../src/shared/config/load.js';
import { ConfigError } from '../../../../src/shared/errors.js';

type Env = Readonly<Record<string, string | undefined>>;

function load(env: Env, files: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ env, cwd: '/place', readFile: (path) => files[path] });
}

function problems(env: Env, files: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    load(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the environment', () => {
  test('is told of all its problems at once, one for each setting', () => {
    const env = {
      AGENTPOOL_PORT: 'x',
      AGENTPOOL_HEARTBEAT_MS: '99',
      AGENTPOOL_PROT: '1',
      AGENTPOOL_LOG_LEVEL: 'loud',
      AGENTPOOL_CONFIG: '/etc/pool.json',
    };
    const files = { '/etc/pool.json': '{' };
    expect(problems(env, files).map((problem) => problem.replace(/:.*/s, ''))).toEqual([
      'AGENTPOOL_LOG_LEVEL',
      'AGENTPOOL_PORT',
      'AGENTPOOL_HEARTBEAT_MS',
      'AGENTPOOL_PROT',
      '/etc/pool.json',
    ]);
  });

  test.each([
    ['AGENTPOOL_PROT', '; did you mean AGENTPOOL_PORT?'],
    ['AGENTPOOL_HOSTNAME', '; did you mean AGENTPOOL_HOST_NAME?'],
    ['AGENTPOOL_CONCURENCY', '; did you mean AGENTPOOL_CONCURRENCY?'],
    ['AGENTPOOL_REDIS_URL', '; did you mean REDIS_URL?'],
    ['AGENTPOOL_port', '; did you mean AGENTPOOL_PORT?'],
    ['AGENTPOOL_FOO', ''],
    ['AGENTPOOL_', ''],
  ])('with the unknown %s is refused, with the nearest known name if one is near', (name, hint) => {
    expect(problems({ [name]: '1' })).toEqual([`${name}: no such setting${hint}`]);
  });

  test('may have any variable that does not begin with AGENTPOOL_, whatever its name', () => {
    expect(problems({ constructor: 'x', toString: 'x', __proto__: 'x', AGENTPOO: 'x', agentpool_port: 'x' })).toEqual(
      [],
    );
  });

  test('may have the mark of a run, since agents call agentpool too', () => {
    expect(problems({ AGENTPOOL_RUN: 'r123' })).toEqual([]);
    expect(problems({ AGENTPOOL_RUNS: 'r123' })).not.toEqual([]);
  });

  test('with a setting that is empty or undefined is as one without it', () => {
    const empty = { AGENTPOOL_PORT: '', AGENTPOOL_TOKENS: '', REDIS_URL: '', AGENTPOOL_HOME: undefined };
    expect(load({ HOME: '/home/ann', ...empty })).toEqual(load({ HOME: '/home/ann' }));
  });

  test('of blanks alone is not a number', () => {
    expect(problems({ AGENTPOOL_PORT: '  ' })).toEqual(['AGENTPOOL_PORT: must be a whole number from 0 to 65535']);
  });
});

describe('the home directory', () => {
  const mac = join(homedir(), 'Library', 'Application Support', 'agentpool');
  const elsewhere = (home: string) => (process.platform === 'darwin' ? mac : home);

  test.each([
    [{ HOME: '/home/ann' }, elsewhere('/home/ann/.local/state/agentpool')],
    [{ HOME: '/home/ann', XDG_STATE_HOME: '/state' }, elsewhere('/state/agentpool')],
    [{ HOME: '/home/ann', XDG_STATE_HOME: '' }, elsewhere('/home/ann/.local/state/agentpool')],
    [{ AGENTPOOL_HOME: '/srv/pool', XDG_STATE_HOME: '/state' }, '/srv/pool'],
    [{ AGENTPOOL_HOME: 'pool' }, '/place/pool'],
  ])('for %j is %s', (env, home) => {
    expect(load(env).home).toBe(home);
  });
});

describe('the name of the host', () => {
  test.each([
    ['build-7.example.org', 'build-7.example.org'],
    ["Ann's MacBook", 'Ann-s-MacBook'],
    ['größe', 'gr--e'],
    ['..', 'host'],
    ['', 'host'],
    ['-a', 'a'],
    ['x'.repeat(70), 'x'.repeat(64)],
  ])('of a machine that is called %j is %j', (machine, name) => {
    expect(hostNameFrom(machine)).toBe(name);
    expect(problems({ AGENTPOOL_HOST_NAME: name })).toEqual([]);
  });

  test.each(['..', '.', '-x', 'a/b', 'a b', 'a:b', 'x'.repeat(65)])('cannot be set to %s', (name) => {
    expect(problems({ AGENTPOOL_HOST_NAME: name })).toHaveLength(1);
  });
});

describe('lists', () => {
  test('of allowed paths are divided by commas and colons, and made absolute', () => {
    expect(load({ AGENTPOOL_ALLOWED_PATHS: '/a:/b/, sub,,../up/./x' }).allowedPaths).toEqual([
      '/a',
      '/b',
      '/place/sub',
      '/up/x',
    ]);
    expect(load({}).allowedPaths).toEqual(['/place']);
  });

  test('of hosts are divided by commas only, since addresses and ports have colons', () => {
    expect(load({ AGENTPOOL_ALLOWED_HOSTS: 'pool.example, [2001:db8::1]:80' }).allowedHosts).toEqual([
      'pool.example',
      '[2001:db8::1]:80',
    ]);
  });

  test('of tokens name the entry that is wrong, and take digits of either case', () => {
    const hash = 'aF'.repeat(32);
    expect(load({ AGENTPOOL_TOKENS: `ann:read+run:${hash}, bob:admin:${hash}` }).tokens).toHaveLength(2);
    const wrong = [`ann:READ:${hash}`, `ann:read:${hash}0`, `ann::${hash}`, `ann:write:${hash}`, hash, 'a b:read:x'];
    for (const entry of wrong)
      expect(problems({ AGENTPOOL_TOKENS: `ok:read:${hash},${entry}` })).toEqual([
        expect.stringMatching(/^AGENTPOOL_TOKENS: entry 2 must be name:scopes:sha256/),
      ]);
  });
});
