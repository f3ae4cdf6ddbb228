import { readFileSync } from 'node:fs';

/** A tick of /proc/pid/stat, in milliseconds (USER_HZ is 100 on every Linux that Node runs on). */
const TICK_MS = 10;

/** Processor time of a process, or of one of its threads by `/proc/pid/task/tid`, without its children (ms). */
export function processMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
