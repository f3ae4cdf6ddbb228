/** Queue names of BullMQ must not contain a colon; host and runner names are checked where they come in. */
export const runnerQueue = (runner: string) => `runs.${runner}`;
export const hostQueue = (host: string) => `runs@${host}`;

/** What decides where a run waits. */
export interface Placement {
  readonly runner: string;
  /** The caller wants this host. */
  readonly host?: string | undefined;
  /** The host on whose disk the session lives that is to be resumed. */
  readonly sessionHost?: string | undefined;
}

/**
 * Which queue a run waits in: that of its session's host, since the session's files are there; else that of the host
 * that was asked for; else that of its runner, where every worker that has the program takes its share.
 */
export function route({ runner, host, sessionHost }: Placement): string {
  const bound = sessionHost ?? host;
  return bound === undefined ? runnerQueue(runner) : hostQueue(bound);
}
