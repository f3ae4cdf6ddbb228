import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { identify, isAlive, type ProcessId, signalProcess } from '../worker/process/processes.js';

/** What `up` writes down about itself for `down`, `mcp` and `demo`. */
export interface PoolProcess extends ProcessId {
  readonly url: string;
}

const file = (home: string) => join(home, 'up.json');

/** The command that starts agentpool as it runs now. */
export function ownCommand(): { command: string; args: string[] } {
  return { command: process.execPath, args: [...process.execArgv, process.argv[1] ?? ''] };
}

/** The `up` of an AGENTPOOL_HOME that is ready; undefined when none is. */
export function readPoolProcess(home: string): PoolProcess | undefined {
  try {
    const found = JSON.parse(readFileSync(file(home), 'utf8')) as PoolProcess;
    return isAlive(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

export function writePoolProcess(home: string, url: string): void {
  writeFileSync(file(home), JSON.stringify({ ...identify(process.pid), url }), { mode: 0o600 });
}

export function forgetPoolProcess(home: string): void {
  rmSync(file(home), { force: true });
}

/** Ends the `up` of an AGENTPOOL_HOME; answers whether there was one. */
export async function endPoolProcess(home: string): Promise<boolean> {
  const found = readPoolProcess(home);
  if (!found) return false;
  signalProcess(found, 'SIGTERM');
  while (isAlive(found)) await pause(20);
  return true;
}
