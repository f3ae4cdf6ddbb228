import { ConfigError } from '../errors.js';

/** Where Redis is. */
export type RedisTarget =
  | {
      readonly kind: 'socket';
      readonly path: string;
      readonly username?: string;
      readonly password?: string;
      readonly db?: number;
    }
  | (Server & { readonly kind: 'server'; readonly tls: boolean })
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly Server[];
      readonly name: string;
      readonly username?: string;
      readonly password?: string;
    }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly Server[];
      readonly username?: string;
      readonly password?: string;
    };

interface Server {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
}

const MEND =
  'use redis://[user:password@]host:port[/db], rediss://..., unix:///path/to/socket, redis+sentinel://h1:26379,h2:26379/name, or redis+cluster://h1:6379,h2:6379';

const bad = (problem: string) => new ConfigError([`REDIS_URL: ${problem}; ${MEND}`]);

function credentials(part: string | undefined): { username?: string; password?: string } {
  if (!part) return {};
  const [user = '', ...rest] = part.split(':');
  return {
    ...(user !== '' && { username: decodeURIComponent(user) }),
    ...(rest.length > 0 && { password: decodeURIComponent(rest.join(':')) }),
  };
}

function servers(text: string, defaultPort: number): Server[] {
  return text.split(',').map((part) => {
    const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(part) ?? [];
    if (!host) throw bad(`"${part}" is no host`);
    return { host: host.replace(/^\[|\]$/g, ''), port: port ? Number(port) : defaultPort };
  });
}

function database(path: string): { db?: number } {
  if (path === '') return {};
  if (!/^\d+$/.test(path)) throw bad(`"${path}" is no database number`);
  return { db: Number(path) };
}

/** Understands REDIS_URL; throws a ConfigError that never repeats the password. */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, userInfo, rest] = /^([a-z+]+):\/\/(?:([^@]*)@)?(.*)$/.exec(url) ?? [];
  if (!scheme || !rest) throw bad('is no address');
  const [hosts = '', ...after] = rest.split(/[/?]/);
  const path = after[0] ?? '';
  const who = credentials(userInfo);
  switch (scheme) {
    case 'unix':
      return { kind: 'socket', path: rest.split('?')[0] ?? rest, ...who };
    case 'redis':
    case 'rediss': {
      const [server] = servers(hosts, 6379);
      if (!server || hosts.includes(',')) throw bad('names several servers');
      return { kind: 'server', tls: scheme === 'rediss', ...server, ...who, ...database(path) };
    }
    case 'redis+sentinel':
      if (!path) throw bad('misses the name of the master behind the sentinels');
      return { kind: 'sentinel', sentinels: servers(hosts, 26_379), name: path, ...who };
    case 'redis+cluster':
      return { kind: 'cluster', nodes: servers(hosts, 6379), ...who };
    default:
      throw bad(`"${scheme}" is not known`);
  }
}
