/** The exit codes of every subcommand. */
export const EXIT = {
  ok: 0,
  runFailed: 1,
  wrongUse: 2,
  unreachable: 69,
  defect: 70,
  /** What was to be printed could not be written. */
  cannotWrite: 74,
  /** Only between our own processes: `up` tries another port. */
  portTaken: 79,
  configuration: 78,
  interrupted: 130,
} as const;

/** The outcome of a run as an exit code is 0 only for `done`. */
export const exitOf = (status: string) => (status === 'done' ? EXIT.ok : EXIT.runFailed);
