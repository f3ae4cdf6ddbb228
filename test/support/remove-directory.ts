import { readdirSync, readFileSync, rmSync } from 'node:fs';

/**
 * Removes a directory with all that is in it. A program that a test has ended may still have a child that writes there
 * for a moment (agent programs do): what the file system says of that is tried again, for ten seconds at most.
 */
export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Ends every process that has one of these entries (`NAME=value`) in its environment. */
export function killProcessesWith(...wanted: readonly string[]): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (wanted.some((entry) => entries.includes(entry))) process.kill(Number(pid), 'SIGKILL');
    } catch {} // gone meanwhile, or of another user
  }
}
