import { codeOf } from '../../shared/errors.js';

/** Whether there is a process with this pid on this machine: all that a file of overmind lets us know of it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
