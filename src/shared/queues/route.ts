import { canonical, unmet } from '../workers/labels.js';

/** Before the requirements in the name of a queue, and between them: neither is in the name of a host, runner or label. */
const REQUIRES = '+';
const AND = ',';

const withRequirements = (name: string, required: readonly string[] = []) =>
  required.length === 0 ? name : name + REQUIRES + canonical(required).join(AND);

/** Queue names of BullMQ must not contain a colon; host and runner names are checked where they come in. */
export const runnerQueue = (runner: string, required?: readonly string[]) =>
  withRequirements(`runs.${runner}`, required);
export const hostQueue = (host: string, required?: readonly string[]) => withRequirements(`runs@${host}`, required);

/** What decides where a run waits. */
export interface Placement {
  readonly runner: string;
  /** The caller wants this host. */
  readonly host?: string | undefined;
  /** The host on whose disk the session lives that is to be resumed. */
  readonly sessionHost?: string | undefined;
  /** What its worker must have. */
  readonly requires?: readonly string[] | undefined;
}

/**
 * Which queue a run waits in: that of its session's host, since the session's files are there; else that of the host
 * that was asked for; else that of its runner, where every worker that has the program takes its share. Runs with
 * requirements have a queue for each set of them, so that no run waits behind one that a worker may not take.
 */
export function route({ runner, host, sessionHost, requires }: Placement): string {
  const bound = sessionHost ?? host;
  return bound === undefined ? runnerQueue(runner, requires) : hostQueue(bound, requires);
}

/** What the name of a queue says: either the runner or the host of its runs, and what they require. */
export interface QueueName {
  readonly runner?: string;
  readonly host?: string;
  readonly requires: readonly string[];
  /** The same queue without requirements. */
  readonly base: string;
}

/** Reads the name of a queue. */
export function partsOf(queue: string): QueueName {
  const at = queue.indexOf(REQUIRES);
  const base = at < 0 ? queue : queue.slice(0, at);
  const requires = at < 0 ? [] : queue.slice(at + 1).split(AND);
  const [, kind, name = ''] = /^runs([.@])(.*)$/s.exec(base) ?? [];
  return { ...(kind === '@' && { host: name }), ...(kind === '.' && { runner: name }), requires, base };
}

/** Which workers may take the jobs of a queue. */
interface Taker {
  readonly host: string;
  /** The names of the runners that it offers. */
  readonly runners: readonly string[];
  /** Absent in the reports of older workers, which take no run that requires anything. */
  readonly labels?: readonly string[] | undefined;
}

/** Whether a worker takes what waits in a queue. */
export function serves({ host, runners, labels }: Taker, queue: string): boolean {
  const parts = partsOf(queue);
  const isIts = parts.host === host || (parts.runner !== undefined && runners.includes(parts.runner));
  return isIts && unmet(parts.requires, labels).length === 0;
}
