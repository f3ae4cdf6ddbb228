import { isIPv6 } from 'node:net';
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
  'use redis://[user:password@]host:port[/db], rediss://..., unix:///path/to/socket[?db=1], redis+sentinel://h1:26379,h2:26379/name, or redis+cluster://h1:6379,h2:6379, with %40 and the like for special characters in a password';

/** Nothing of the address is repeated but its scheme: with a character wrong, any part of it may be the password. */
const bad = (problem: string) => new ConfigError([`REDIS_URL: ${problem}; ${MEND}`]);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('a % in it does not begin an escape (a percent sign itself is %25)');
  }
}

function credentials(part: string): { username?: string; password?: string } {
  const [user = '', ...rest] = part.split(':');
  return {
    ...(user !== '' && { username: decoded(user) }),
    ...(rest.length > 0 && { password: decoded(rest.join(':')) }),
  };
}

function servers(text: string, defaultPort: number): Server[] {
  return text.split(',').map((part, at) => {
    const [, ipv6, name, digits] = /^(?:\[([^\]]*)\]|([^\s:@[\]?#]+))(?::(\d{1,5}))?$/.exec(part) ?? [];
    const host = ipv6 ?? name;
    const port = digits === undefined ? defaultPort : Number(digits);
    if (host === undefined || (ipv6 !== undefined && !isIPv6(ipv6)) || port < 1 || port > 65_535)
      throw bad(`server ${at + 1} in it is not a host with a port`);
    return { host, port };
  });
}

function database(text: string): { db?: number } {
  if (text === '') return {};
  if (!/^\d{1,5}$/.test(text)) throw bad('what follows the server is not a database number');
  return { db: Number(text) };
}

function socket(rest: string): RedisTarget {
  const at = rest.startsWith('/') ? -1 : rest.indexOf('@/');
  const [path = '', ...options] = rest.slice(at + 1).split('?');
  if (!path.startsWith('/')) throw bad('it names no absolute path of a socket');
  const [, db = ''] = /^(?:db=(\d+))?$/.exec(options.join('?')) ?? [undefined, 'unknown'];
  return { kind: 'socket', path, ...(at > 0 && credentials(rest.slice(0, at))), ...database(db) };
}

/** Understands REDIS_URL; throws a ConfigError that never repeats the password. */
export function parseRedisUrl(url: string): RedisTarget {
  const [, given = '', rest = ''] = /^([a-z+]+):\/\/(.+)$/i.exec(url) ?? [];
  const scheme = given.toLowerCase();
  if (scheme === 'unix') return socket(rest);
  // A password may hold an @ or a / that nobody escaped; a host cannot.
  const at = rest.lastIndexOf('@');
  const who = at < 0 ? {} : credentials(rest.slice(0, at));
  const [hosts = '', ...after] = rest.slice(at + 1).split('/');
  const path = after.join('/');
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const [server, another] = servers(hosts, 6379);
      if (!server || another) throw bad('it names several servers');
      return { kind: 'server', tls: scheme === 'rediss', ...server, ...who, ...database(path) };
    }
    case 'redis+sentinel':
      if (!/^[^/?]+$/.test(path))
        throw bad('the name of the master behind the sentinels is missing, or more than that');
      return { kind: 'sentinel', sentinels: servers(hosts, 26_379), name: decoded(path), ...who };
    case 'redis+cluster':
      if (database(path).db) throw bad('a cluster has database 0 only');
      return { kind: 'cluster', nodes: servers(hosts, 6379), ...who };
    case '':
      throw bad('it is not an address');
    default:
      throw bad(`"${scheme}" is not known`);
  }
}
