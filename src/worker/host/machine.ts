import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../shared/workers/workers.js';
import { bootId } from '../process/processes.js';

const SOURCES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** Which machine this is. Where the system has no id, as in most containers, one is made and kept in AGENTPOOL_HOME. */
export function thisMachine(home: string, sources: readonly string[] = SOURCES): Machine {
  const ofSystem = sources.map(read).find((text) => text !== undefined && /^[0-9a-f-]{32,36}$/i.test(text));
  return {
    id: hashed(ofSystem ?? idInHome(home)),
    boot: hashed(`${bootId()} ${processNamespace()}`),
    ...(ofSystem === undefined && { madeUp: true }),
  };
}

/** Names of machines are private, so they are hashed; equal ones stay equal. */
const hashed = (text: string) => createHash('sha256').update(`agentpool machine ${text}`).digest('hex').slice(0, 16);

function idInHome(home: string): string {
  const file = join(home, 'machine-id');
  const known = read(file);
  if (known) return known;
  try {
    writeFileSync(file, `${randomUUID()}\n`, { mode: 0o600, flag: 'wx' });
  } catch {} // another worker was faster, or nothing can be written here
  return read(file) ?? randomUUID();
}

/** Two containers of one machine do not see each other's processes, so to a worker they are two machines. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
