import { createHash } from 'node:crypto';
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isWithin } from './allowed-path.js';
import { privateDirectory } from './config/home.js';
import { defaultHome } from './config/sources.js';

/**
 * What people have said about directories of this host, in AGENTPOOL_HOME: `allowed` for everybody by `agentpool allow`,
 * `opened` for the client that a person started there. One file each, so that several processes can say something at once.
 */
type Kind = 'allowed' | 'opened';

/** How long a directory stays open after the last start of a client in it (ms). */
const OPENED_FOR_MS = 30 * 24 * 60 * 60 * 1_000;

const listIn = (home: string) => join(home, 'directories');
const fileOf = (home: string, kind: Kind, directory: string) =>
  join(listIn(home), `${kind}-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`);

/** Allows a directory, given by its real path, for all runs on this host; answers whether that is new. */
export function allowDirectory(home: string, directory: string): boolean {
  const isNew = !isNoted(home, 'allowed', directory);
  note(home, 'allowed', directory);
  return isNew;
}

/** Takes back what `allowDirectory` did; answers whether there was something. */
export function disallowDirectory(home: string, directory: string): boolean {
  const was = isNoted(home, 'allowed', directory);
  rmSync(fileOf(home, 'allowed', directory), { force: true });
  return was;
}

/** The directories that were allowed on this host, in the order in which they were. */
export function allowedDirectories(home: string): string[] {
  return filesOf(home, 'allowed')
    .sort((one, other) => one.since - other.since)
    .flatMap(({ path }) => read(path) ?? []);
}

/**
 * Opens the first of some directories that can be one for the client that was started there; answers with its real path.
 * Never the root of the disk, and nothing that a home directory is in: there, a client was not started for a project.
 */
export function openDirectory(home: string, candidates: readonly string[]): string | undefined {
  const directory = candidates.map(realDirectory).find((path) => path !== undefined && isProject(path));
  if (directory === undefined) return undefined;
  note(home, 'opened', directory);
  for (const { path, since } of filesOf(home, 'opened'))
    if (Date.now() - since > OPENED_FOR_MS) rmSync(path, { force: true });
  return directory;
}

/** Whether a person has started a client in a directory of this host, given by its real path, or in one above it. */
export function isOpened(home: string, directory: string): boolean {
  const opened = filesOf(home, 'opened').flatMap(({ path }) => read(path) ?? []);
  return isWithin(directory, opened);
}

/**
 * What processes have in common that see the same disks and have the same AGENTPOOL_HOME: a name to compare, and a hash,
 * since nothing else of it is anybody's business.
 */
export function placeOf(home: string): string {
  const machine = read('/proc/sys/kernel/random/boot_id') ?? hostname();
  const parts = [machine, linkTo('/proc/self/ns/pid') ?? '', realDirectory(home) ?? home];
  return createHash('sha256')
    .update(`agentpool place ${parts.join('\n')}`)
    .digest('hex')
    .slice(0, 16);
}

/** The line by which a person on the host allows a directory; whatever the name of that is, it does nothing else. */
export function allowLine(directory: string, home?: string): string {
  const prefix = home === undefined || home === usualHome() ? '' : `AGENTPOOL_HOME=${inShell(home)} `;
  return `${prefix}agentpool allow ${inShell(directory)}`;
}

/** A word as a shell takes it, whatever is in it. */
export const inShell = (word: string): string =>
  /^[\w./@%+:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

function usualHome(): string | undefined {
  return orNothing(() => defaultHome({}));
}

function isNoted(home: string, kind: Kind, directory: string): boolean {
  return read(fileOf(home, kind, directory)) === directory;
}

/** Written whole or not at all; what is there already is only made new. */
function note(home: string, kind: Kind, directory: string): void {
  const path = fileOf(home, kind, directory);
  if (isNoted(home, kind, directory)) {
    if (kind === 'opened') utimesSync(path, new Date(), new Date());
    return;
  }
  privateDirectory(listIn(home), home);
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, directory, { mode: 0o600 });
  renameSync(fresh, path);
}

function filesOf(home: string, kind: Kind): { path: string; since: number }[] {
  const names = orNothing(() => readdirSync(listIn(home))) ?? [];
  return names
    .filter((name) => name.startsWith(`${kind}-`) && !name.includes('.'))
    .map((name) => join(listIn(home), name))
    .flatMap((path) => {
      const since = orNothing(() => statSync(path).mtimeMs);
      return since === undefined ? [] : [{ path, since }];
    });
}

/** Whether a directory may be one that a person has opened to work in. */
function isProject(path: string): boolean {
  const own = realPathOf(homedir());
  return path !== dirname(path) && (path === own || own === undefined || !isWithin(own, [path]));
}

/** Where symbolic links lead to; undefined for what is not there. */
export const realPathOf = (path: string) => orNothing(() => realpathSync(path));

function realDirectory(path: string): string | undefined {
  const real = realPathOf(path);
  return real !== undefined && orNothing(() => statSync(real).isDirectory()) ? real : undefined;
}

const read = (path: string) => orNothing(() => readFileSync(path, 'utf8'));
const linkTo = (path: string) => orNothing(() => readlinkSync(path));

function orNothing<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined; // it is not there, or is not for us to see
  }
}
