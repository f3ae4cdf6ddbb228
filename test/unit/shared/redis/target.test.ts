import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/shared/errors.js';
import { parseRedisUrl, redisTarget } from '../../../../src/shared/redis/target.js';

describe('an address', () => {
  test.each([
    ['redis://cache', { kind: 'server', tls: false, host: 'cache', port: 6379 }],
    ['redis://cache:6380', { kind: 'server', tls: false, host: 'cache', port: 6380 }],
    ['redis://cache:6380/', { kind: 'server', tls: false, host: 'cache', port: 6380 }],
    ['redis://cache/3', { kind: 'server', tls: false, host: 'cache', port: 6379, db: 3 }],
    ['redis://10.0.0.7:1/0', { kind: 'server', tls: false, host: '10.0.0.7', port: 1, db: 0 }],
    ['REDIS://cache', { kind: 'server', tls: false, host: 'cache', port: 6379 }],
    ['rediss://cache:6390', { kind: 'server', tls: true, host: 'cache', port: 6390 }],
    ['redis://[::1]', { kind: 'server', tls: false, host: '::1', port: 6379 }],
    ['redis://[2001:db8::7]:7000/2', { kind: 'server', tls: false, host: '2001:db8::7', port: 7000, db: 2 }],
    [
      'redis+sentinel://a,b:1/main',
      { kind: 'sentinel', tls: false, sentinels: servers('a:26379', 'b:1'), name: 'main' },
    ],
    ['redis+cluster://a,b:1', { kind: 'cluster', tls: false, nodes: servers('a:6379', 'b:1') }],
    ['redis+cluster://a/0', { kind: 'cluster', tls: false, nodes: servers('a:6379') }],
    ['rediss+sentinel://a/main', { kind: 'sentinel', tls: true, sentinels: servers('a:26379'), name: 'main' }],
    ['rediss+cluster://a', { kind: 'cluster', tls: true, nodes: servers('a:6379') }],
    ['unix:///run/redis.sock', { kind: 'socket', path: '/run/redis.sock' }],
    ['unix:///run/redis.sock?db=5', { kind: 'socket', path: '/run/redis.sock', db: 5 }],
    ['unix:///run/redis@main/redis.sock', { kind: 'socket', path: '/run/redis@main/redis.sock' }],
  ])('such as %s is understood', (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });
});

describe('user and password', () => {
  test.each([
    ['redis://ann:secret@h', { username: 'ann', password: 'secret' }],
    ['redis://:secret@h', { password: 'secret' }],
    ['redis://ann@h', { username: 'ann' }],
    ['redis://ann:@h', { username: 'ann', password: '' }],
    ['redis://:a:b:c@h', { password: 'a:b:c' }],
    ['redis://:p%40s%2Fs%3A%25@h', { password: 'p@s/s:%' }],
    ['redis://:p@ss@h', { password: 'p@ss' }],
    ['redis://:p/a?s@h', { password: 'p/a?s' }],
    ['redis://:%C3%BC@h', { password: 'ü' }],
  ])('are read from %s', (url, who) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'server', tls: false, host: 'h', port: 6379, ...who });
  });

  test.each(['unix://ann:s@crt@/run/x@y.sock', 'redis+cluster://ann:s@crt@h', 'redis+sentinel://ann:s@crt@h/m'])(
    'are read from %s',
    (url) => {
      expect(parseRedisUrl(url)).toMatchObject({ username: 'ann', password: 's@crt' });
    },
  );
});

describe('an address that is refused', () => {
  const refused = [
    ['', 'not an address'],
    ['redis', 'not an address'],
    ['redis://', 'not an address'],
    ['redis:hunter2@h', 'not an address'],
    ['http://hunter2', '"http" is not known'],
    ['redis://ann:hunter2', 'server 1 in it is not a host'],
    ['redis://ann:hunter2@', 'server 1 in it is not a host'],
    ['redis://:%hunter2@h', '% in it does not begin an escape'],
    ['redis://h?password=hunter2', 'server 1 in it is not a host'],
    ['redis://h/hunter2', 'not a database number'],
    ['redis://h/1/hunter2', 'not a database number'],
    ['redis://h/-1', 'not a database number'],
    ['redis://h:0', 'server 1 in it is not a host'],
    ['redis://h:65536', 'server 1 in it is not a host'],
    ['redis://h:hunter2', 'server 1 in it is not a host'],
    ['redis://hunter2 h', 'server 1 in it is not a host'],
    ['redis://::1', 'server 1 in it is not a host'],
    ['redis://[hunter2]', 'server 1 in it is not a host'],
    ['redis://a,b', 'several servers'],
    ['redis+cluster://a,,b', 'server 2 in it is not a host'],
    ['redis+cluster://a/1', 'database 0 only'],
    ['redis+sentinel://a', 'name of the master'],
    ['redis+sentinel://a/m/hunter2', 'name of the master'],
    ['unix://run/redis.sock', 'no absolute path'],
    ['unix://ann:hunter2@run/redis.sock', 'no absolute path'],
    ['unix:///run/redis.sock?db=x', 'not a database number'],
    ['unix:///run/redis.sock?password=hunter2', 'not a database number'],
  ] as const;

  test.each(refused)('such as "%s" gets an answer with "%s"', (url, words) => {
    expect(() => parseRedisUrl(url)).toThrow(ConfigError);
    expect(() => parseRedisUrl(url)).toThrow(words);
  });

  test('is never repeated, since any part of it may be the password', () => {
    const messages = refused.map(([url]) => {
      try {
        return JSON.stringify(parseRedisUrl(url));
      } catch (error) {
        return String(error);
      }
    });
    expect(messages.filter((message) => message.includes('hunter2'))).toEqual([]);
    expect(messages.filter((message) => !message.startsWith('ConfigError: REDIS_URL: '))).toEqual([]);
  });
});

function servers(...names: string[]) {
  return names.map((name) => ({ host: name.split(':')[0], port: Number(name.split(':')[1]) }));
}

describe('the settings besides the address', () => {
  const REFUSED = [
    [{ redisUrl: 'redis://:hunter2@h', redisPassword: 'x' }, 'REDIS_URL has a password already'],
    [{ redisUrl: 'redis://h', redisSentinelPassword: 'hunter2' }, 'REDIS_URL names no Sentinels'],
    [{ redisUrl: 'redis://h', redisTlsServerName: 'h' }, 'REDIS_URL is without TLS'],
    [{ redisUrl: 'rediss://h', redisTlsCertFile: '/cert' }, 'a certificate and its key go together'],
    [{ redisUrl: 'rediss://h', redisTlsCaFile: '/none' }, 'REDIS_TLS_CA_FILE: /none cannot be read'],
    [{ redisUrl: 'rediss://h', redisTlsCaFile: '/cert' }, 'not in PEM form'],
  ] as const;
  const load = (settings: object) =>
    redisTarget(settings as Parameters<typeof redisTarget>[0], (path) => (path === '/cert' ? 'hunter2' : undefined));

  test.each(REFUSED)('are refused with words, and without secrets: %o', (settings, words) => {
    expect(() => load(settings)).toThrow(ConfigError);
    expect(() => load(settings)).toThrow(words);
    expect(() => load(settings)).not.toThrow('hunter2');
  });

  test('say who we are to Redis, and to its Sentinels', () => {
    expect(load({})).toBeUndefined();
    const settings = {
      redisPassword: 'p',
      redisSentinelUser: 's',
      redisSentinelPassword: 'q',
      redisTlsServerName: 'r',
    };
    expect(load({ redisUrl: 'rediss+sentinel://ann@a/main', ...settings })).toMatchObject({
      username: 'ann',
      password: 'p',
      toSentinels: { username: 's', password: 'q' },
      certificates: { servername: 'r' },
    });
  });
});
