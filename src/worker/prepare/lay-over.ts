import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import type { ConfigFile } from '../../shared/runners/runner.js';

/**
 * Shows a program a folder of the home directory with settings of ours laid over the user's, for programs that can be
 * given settings in no other way. The user's folder is not changed but for the folders that the program would make.
 */
export function layOver(home: string, into: string, { name, content, over }: ConfigFile): void {
  if (!over) return;
  const users = join(home, over.folder);
  const shown = join(into, over.folder);
  for (const folder of over.kept) mkdirSync(join(users, folder), { recursive: true });
  mkdirSync(shown, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(users))
    if (entry !== name && !existsSync(join(shown, entry))) symlinkSync(join(users, entry), join(shown, entry));
  const file = join(users, name);
  const own: unknown = existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined;
  writeFileSync(join(shown, name), JSON.stringify(merged(own, JSON.parse(content))), { mode: 0o600 });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of both, deeply; where both have one, that of `ours`. */
function merged(theirs: unknown, ours: unknown): unknown {
  if (!isObject(theirs) || !isObject(ours)) return ours;
  const more = Object.entries(ours).map(([key, value]) => [key, merged(theirs[key], value)]);
  return { ...theirs, ...Object.fromEntries(more) };
}
