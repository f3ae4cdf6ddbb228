import { isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config/load.js';
import { ConfigError } from '../errors.js';
import { omitUndefined } from '../omit-undefined.js';

/** Where Redis is. */
export type RedisTarget =
  | {
      readonly kind: 'socket';
      readonly path: string;
      readonly username?: string;
      readonly password?: string;
      readonly db?: number;
    }
  | (Server & { readonly kind: 'server'; readonly tls: boolean; readonly certificates?: Certificates })
  | {
      readonly kind: 'sentinel';
      readonly tls: boolean;
      readonly sentinels: readonly Server[];
      readonly name: string;
      readonly username?: string;
      readonly password?: string;
      /** Our credentials for the Sentinels, which have users and passwords of their own. */
      readonly toSentinels?: Credentials;
      readonly certificates?: Certificates;
    }
  | {
      readonly kind: 'cluster';
      readonly tls: boolean;
      readonly nodes: readonly Server[];
      readonly username?: string;
      readonly password?: string;
      readonly certificates?: Certificates;
    };

interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** TLS in both directions: PEM texts, and the name that the server's certificate must have. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

interface Server {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
}

const MEND =
  'use redis://[user:password@]host:port[/db], rediss://..., unix:///path/to/socket[?db=1], redis+sentinel://h1:26379,h2:26379/name, or redis+cluster://h1:6379,h2:6379 (with TLS rediss+sentinel, rediss+cluster), with %40 and the like for special characters in a password';

/** An error repeats only the scheme of the address: in a mistyped one, any part may be the password. */
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
  // A password may contain an unescaped @ or /; a host cannot.
  const at = rest.lastIndexOf('@');
  const who = at < 0 ? {} : credentials(rest.slice(0, at));
  const [hosts = '', ...after] = rest.slice(at + 1).split('/');
  const path = after.join('/');
  const tls = scheme.startsWith('rediss');
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const [server, another] = servers(hosts, 6379);
      if (!server || another) throw bad('it names several servers');
      return { kind: 'server', tls, ...server, ...who, ...database(path) };
    }
    case 'redis+sentinel':
    case 'rediss+sentinel':
      if (!/^[^/?]+$/.test(path))
        throw bad('the name of the master behind the sentinels is missing, or more than that');
      return { kind: 'sentinel', tls, sentinels: servers(hosts, 26_379), name: decoded(path), ...who };
    case 'redis+cluster':
    case 'rediss+cluster':
      if (database(path).db) throw bad('a cluster has database 0 only');
      return { kind: 'cluster', tls, nodes: servers(hosts, 6379), ...who };
    case '':
      throw bad('it is not an address');
    default:
      throw bad(`"${scheme}" is not known`);
  }
}

/** The settings for the address of Redis and our credentials. */
type RedisSettings = { readonly [Name in keyof Config as Name extends `redis${string}` ? Name : never]: Config[Name] };
type ReadFile = (path: string) => string | undefined;

/**
 * The address of Redis by the settings, with the contents of the files that they name; undefined without REDIS_URL. Throws a
 * ConfigError that repeats no secret.
 */
export function redisTarget(settings: RedisSettings, readFile: ReadFile): RedisTarget | undefined {
  if (settings.redisUrl === undefined) return undefined;
  const target = withPassword(parseRedisUrl(settings.redisUrl), settings.redisPassword);
  const toSentinels = omitUndefined({ username: settings.redisSentinelUser, password: settings.redisSentinelPassword });
  if (Object.keys(toSentinels).length > 0 && target.kind !== 'sentinel')
    throw new ConfigError(['REDIS_SENTINEL_*: REDIS_URL names no Sentinels; use redis+sentinel://h1:26379/name']);
  const certificates = certificatesOf(settings, readFile);
  if (Object.keys(certificates).length === 0) return target.kind === 'sentinel' ? { ...target, toSentinels } : target;
  if (target.kind === 'socket' || !target.tls)
    throw new ConfigError([
      'REDIS_TLS_*: REDIS_URL is without TLS; use rediss://, rediss+sentinel:// or rediss+cluster://',
    ]);
  return target.kind === 'sentinel' ? { ...target, toSentinels, certificates } : { ...target, certificates };
}

function withPassword(target: RedisTarget, password: string | undefined): RedisTarget {
  if (password === undefined) return target;
  if (target.password)
    throw new ConfigError(['REDIS_PASSWORD: REDIS_URL has a password already; leave one of them out']);
  return { ...target, password };
}

function certificatesOf(settings: RedisSettings, readFile: ReadFile): Certificates {
  const { redisTlsCaFile, redisTlsCertFile, redisTlsKeyFile, redisTlsServerName } = settings;
  if ((redisTlsCertFile === undefined) !== (redisTlsKeyFile === undefined))
    throw new ConfigError(['REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE: a certificate and its key go together']);
  const pem = (name: string, path: string | undefined, block: string) => {
    if (path === undefined) return undefined;
    const text = readFile(path);
    if (text === undefined) throw new ConfigError([`${name}: ${path} cannot be read`]);
    if (!text.includes(block))
      throw new ConfigError([`${name}: ${path} is not in PEM form (there is no ${block} in it)`]);
    return text;
  };
  const files = omitUndefined({
    ca: pem('REDIS_TLS_CA_FILE', redisTlsCaFile, '-----BEGIN CERTIFICATE-----'),
    cert: pem('REDIS_TLS_CERT_FILE', redisTlsCertFile, '-----BEGIN CERTIFICATE-----'),
    key: pem('REDIS_TLS_KEY_FILE', redisTlsKeyFile, 'PRIVATE KEY-----'),
  });
  try {
    createSecureContext(files);
  } catch (error) {
    throw new ConfigError([`REDIS_TLS_*: the files cannot be used together: ${(error as Error).message}`]);
  }
  return { ...files, ...omitUndefined({ servername: redisTlsServerName }) };
}
