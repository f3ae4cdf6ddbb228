import { readFileSync } from 'node:fs';
import type { RedisClient } from './connect.js';

/** What a script takes; buffers stay bytes. */
export type ScriptArgument = string | number | Buffer;

const loaded = new Map<string, { readonly lua: string; readonly numberOfKeys?: number }>();

/** A script and how many keys it takes: as many as it names; absent where it takes any number, which is then the first argument. */
function load(file: URL) {
  const known = loaded.get(file.href);
  if (known) return known;
  const lua = readFileSync(file, 'utf8');
  const numberOfKeys = Math.max(0, ...[...lua.matchAll(/\bKEYS\[(\d+)\]/g)].map(([, number]) => Number(number)));
  const takesAny = /#KEYS\b|\(KEYS\)/.test(lua);
  const script = { lua, ...(!takesAny && { numberOfKeys }) };
  loaded.set(file.href, script);
  return script;
}

/**
 * Teaches a client Lua scripts: each becomes a command with a signature of `Scripts`, which takes the keys in their
 * order and then the arguments. `files` names the file of each command, seen from the folder `at`.
 */
export function withScripts<Scripts extends object>(
  redis: RedisClient,
  at: URL,
  files: Readonly<Record<keyof Scripts, string>>,
): RedisClient & Scripts {
  for (const [command, file] of Object.entries<string>(files)) redis.defineCommand(command, load(new URL(file, at)));
  return redis as RedisClient & Scripts;
}
