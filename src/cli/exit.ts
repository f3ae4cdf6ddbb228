import { ConfigError, messageOf, UnreachableError, UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import { asUnreachable } from '../shared/redis/connect.js';
import { note } from './print.js';

/** The exit codes of every subcommand. */
export const EXIT = {
  ok: 0,
  runFailed: 1,
  wrongUse: 2,
  unreachable: 69,
  defect: 70,
  configuration: 78,
  interrupted: 130,
} as const;

/** The outcome of a run as an exit code is 0 only for `done`. */
export const exitOf = (status: string) => (status === 'done' ? EXIT.ok : EXIT.runFailed);

/** Says what went wrong on stderr and answers with the exit code. */
export function explain(thrown: unknown): number {
  const error = asUnreachable(thrown) ?? thrown;
  if (error instanceof ConfigError) {
    for (const problem of error.problems) note(`agentpool: ${problem}`);
    return EXIT.configuration;
  }
  if (error instanceof UnreachableError || error instanceof UserError) {
    note(`agentpool: ${plainText(error.message)}`);
    note(`           ${error.hint}`);
    return error instanceof UserError ? EXIT.wrongUse : EXIT.unreachable;
  }
  note(`agentpool: ${error instanceof Error && error.stack ? error.stack : messageOf(error)}`);
  note('           This is a defect of agentpool.');
  return EXIT.defect;
}
