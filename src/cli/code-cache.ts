import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import type { Script } from 'node:vm';

/** Where each script's code is in a file of the cache: from, to (bytes after the index). */
type Index = Readonly<Record<string, readonly [from: number, to: number]>>;

/** So many files are kept for a command: one for each V8, and its flags, that starts it. */
const FILES_OF_A_COMMAND = 3;
/** The bytes before the index: its length. */
const LENGTH = 4;

/**
 * The compiled code of a command's scripts, from one start to the next. It is in `directory`, beside the scripts: who may
 * write it may write them, so nothing else has to be trusted. Where we may not write there, nothing is kept. Scripts are
 * named by a hash of what they are, files by the V8 that can read them; what V8 does not take it compiles as ever.
 */
export function openCodeCache(directory: string, command: string | undefined) {
  const folder = join(directory, 'code-cache');
  const prefix = command !== undefined && /^[a-z-]{0,20}$/.test(command) ? `${command || 'agentpool'}.` : undefined;
  const file = prefix && join(folder, `${prefix}${cachedDataVersionTag()}`);
  const kept = file === undefined ? new Map<string, Buffer>() : read(file);
  const scripts = new Map<string, Script>();
  let isNew = false;
  return {
    /** Compiles a script, with what is kept of it. */
    compiled(name: string, compile: (code: Buffer | undefined) => Script): Script {
      const code = kept.get(name);
      const script = compile(code);
      isNew ||= code === undefined;
      scripts.set(name, script);
      return script;
    },
    /** Keeps what is compiled now, with what has been called so far, if there is more than before. */
    keep(): void {
      if (!prefix || !file || !isNew) return;
      isNew = false;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o755 });
        for (const [name, script] of scripts) kept.set(name, script.createCachedData());
        for (const name of kept.keys()) if (!existsSync(join(directory, name))) kept.delete(name);
        write(file, kept);
        prune(folder, prefix);
      } catch {
        // A directory of others, a full disk: the next start compiles again.
      }
    },
  };
}

/** What a file has; nothing where it is not whole, since V8 does not look at all of what it is given. */
function read(file: string): Map<string, Buffer> {
  try {
    const bytes = readFileSync(file);
    const start = LENGTH + bytes.readUInt32LE(0);
    const index = JSON.parse(bytes.toString('utf8', LENGTH, start)) as Index;
    const end = Object.values(index).at(-1)?.[1] ?? 0;
    if (start + end !== bytes.length) return new Map();
    return new Map(Object.entries(index).map(([name, [from, to]]) => [name, bytes.subarray(start + from, start + to)]));
  } catch {
    return new Map();
  }
}

/** Whoever reads it meanwhile, or after a crash, has the old file or the whole new one. */
function write(file: string, kept: ReadonlyMap<string, Buffer>): void {
  const index: Record<string, [from: number, to: number]> = {};
  let end = 0;
  for (const [name, { length }] of kept) {
    index[name] = [end, end + length];
    end += length;
  }
  const head = Buffer.from(JSON.stringify(index));
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32LE(head.length);
  const fresh = `${file}.${process.pid}`;
  try {
    const descriptor = openSync(fresh, 'wx', 0o644);
    try {
      const bytes = Buffer.concat([length, head, ...kept.values()]);
      if (writeSync(descriptor, bytes) < bytes.length) return;
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}

function prune(folder: string, prefix: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of files.slice(FILES_OF_A_COMMAND)) rmSync(path, { force: true });
}
