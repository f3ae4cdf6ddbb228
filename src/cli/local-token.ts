import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LocalAccess } from '../http/login.js';
import { privateDirectory } from '../shared/config/home.js';
import type { Config } from '../shared/config/load.js';
import { ConfigError, codeOf } from '../shared/errors.js';

/** The one token of a pool without AGENTPOOL_TOKENS: a user who can read this file may do everything. */
const fileOf = (home: string) => join(home, 'http-token');

/** A server asks for it with every request, and looks at the file this often (ms). */
const LOOK_EVERY_MS = 500;

/** A link that has not been used expires after this (ms). */
const LINK_KEPT_MS = 24 * 60 * 60 * 1_000;

const newToken = () => randomBytes(32).toString('base64url');

/** The token of an AGENTPOOL_HOME, made when it does not exist. Throws a ConfigError when others may know it. */
export function localToken(home: string): string {
  privateDirectory(home);
  try {
    writeFileSync(fileOf(home), `${newToken()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return readToken(home);
}

/** Gives an AGENTPOOL_HOME another token: the old one, and sessions that were opened with it, are refused within a second. */
export function rotateLocalToken(home: string): string {
  privateDirectory(home);
  const fresh = `${fileOf(home)}.${process.pid}`;
  writeFileSync(fresh, `${newToken()}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(fresh, fileOf(home));
  return readToken(home);
}

/** What gives access to a server: its current token, and the login links that have not been used yet. */
export function openLocalAccess(home: string, now: () => number = () => performance.now()): LocalAccess {
  let token = localToken(home);
  let changed = statSync(fileOf(home)).mtimeMs;
  let looked = now();
  return {
    token() {
      if (now() - looked < LOOK_EVERY_MS) return token;
      looked = now();
      const mtime = statSync(fileOf(home), { throwIfNoEntry: false })?.mtimeMs;
      if (mtime === changed) return token;
      token = localToken(home);
      changed = statSync(fileOf(home)).mtimeMs;
      return token;
    },
    takeLink(code) {
      const path = linkFile(home, code);
      const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (made === undefined) return false;
      try {
        unlinkSync(path); // of two that come at once, one gets it
        return Date.now() - made < LINK_KEPT_MS;
      } catch {
        return false;
      }
    },
  };
}

/**
 * An address that lets one browser in, once; undefined where AGENTPOOL_TOKENS or an issuer says who may ask. It is handed
 * to the server by a file, so nothing secret is sent to a process that may listen there instead.
 */
export function loginLink(url: string, { home, tokens, oidcIssuer }: Config): string | undefined {
  if (tokens.length > 0 || oidcIssuer !== undefined) return undefined;
  const directory = privateDirectory(linksIn(home), home);
  for (const name of readdirSync(directory))
    if (Date.now() - (statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0) > LINK_KEPT_MS)
      rmSync(join(directory, name), { force: true });
  const code = newToken();
  writeFileSync(linkFile(home, code), '', { mode: 0o600, flag: 'wx' });
  return new URL(`/login/${code}`, url).href;
}

const linksIn = (home: string) => join(home, 'http-links');

/** Named by its hash, so that a file name gives no access, and a code cannot name another file. */
const linkFile = (home: string, code: string) => join(linksIn(home), createHash('sha256').update(code).digest('hex'));

function readToken(home: string): string {
  const path = fileOf(home);
  if (lstatSync(path).isSymbolicLink()) throw new ConfigError([`${path} is a link; remove it, and a token is made`]);
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { uid, mode } = fstatSync(file);
    if ((process.getuid && uid !== process.getuid()) || (mode & 0o077) !== 0)
      throw new ConfigError([`${path}: others may read or have made it; remove it, and a new token is made`]);
    const token = readFileSync(file, 'utf8').trim();
    // It is written at once when it is created; only a full disk leaves it short.
    if (token.length < 32) throw new ConfigError([`${path} has no token; remove it, and one is made`]);
    return token;
  } finally {
    closeSync(file);
  }
}
