import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type DirectoryFiles, type Trust, userDirectory } from '../shared/config/sources.js';

type Env = Readonly<Record<string, string | undefined>>;
const stored = z.record(z.string(), z.string());

/** What a person has said about working directories: a digest of both configuration files, by directory. */
const storeOf = (env: Env) => join(userDirectory(env), 'trusted.json');

/** The directories that are trusted, with what their files were then; empty when the list cannot be read. */
export function trustedDirectories(env: Env): Readonly<Record<string, string>> {
  try {
    return stored.parse(JSON.parse(readFileSync(storeOf(env), 'utf8')));
  } catch {
    return {};
  }
}

/** Whether a directory is trusted as it is now. */
export function trustOf(files: DirectoryFiles, env: Env): Trust {
  const known = trustedDirectories(env);
  if (!Object.hasOwn(known, files.directory)) return 'unknown';
  return known[files.directory] === digestOf(files) ? 'trusted' : 'changed';
}

/** Trusts a directory with what its files are now. */
export function trustDirectory(files: DirectoryFiles, env: Env): void {
  write({ ...trustedDirectories(env), [files.directory]: digestOf(files) }, env);
}

/** Forgets a directory; answers whether it was trusted. */
export function distrustDirectory(directory: string, env: Env): boolean {
  const { [directory]: found, ...others } = trustedDirectories(env);
  if (found === undefined) return false;
  write(others, env);
  return true;
}

const digestOf = ({ env, config }: DirectoryFiles) =>
  createHash('sha256')
    .update(JSON.stringify([env ?? null, config ?? null]))
    .digest('hex');

function write(directories: Readonly<Record<string, string>>, env: Env): void {
  const path = storeOf(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(directories, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
}
