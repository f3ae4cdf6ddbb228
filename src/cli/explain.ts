import { bodyOf, ConfigError, codeOf, messageOf, UnreachableError, UserError } from '../shared/errors.js';
import { plainText } from '../shared/plain-text.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { raiseLine } from '../worker/host/descriptors.js';
import { EXIT } from './exit.js';
import { note } from './print.js';
import { noteFolded } from './print-fitted.js';

/** Says what went wrong on stderr and answers with the exit code. As JSON it is one line, the last one. */
export function explain(thrown: unknown, json = false): number {
  const error = inOurWords(asUnreachable(thrown) ?? thrown);
  if (json) note(JSON.stringify(bodyOf(error)));
  else for (const [lead, text] of linesOn(error)) noteFolded(lead, plainText(text));
  return exitFor(error);
}

/** What the arguments of a submission are called here. */
const NAMES: Readonly<Record<string, string>> = {
  runner: 'RUNNER',
  prompt: 'PROMPT',
  mode: '--mode',
  path: '--path',
  host: '--host',
  sessionId: '--session',
  autoResume: '--auto-resume',
  config: '--config',
};

/** The same error with its argument as the command line calls it, or as what a person can do something about. */
function inOurWords(error: unknown): unknown {
  if (['EMFILE', 'ENFILE'].includes(codeOf(error) ?? ''))
    return new ConfigError([`there are too few file descriptors (${messageOf(error)}): ${raiseLine()}`]);
  if (!(error instanceof UserError) || error.argument === undefined) return error;
  return new UserError(error.code, error.what, error.hint, NAMES[error.argument] ?? error.argument);
}

const LEAD = 'agentpool: ';

function linesOn(error: unknown): (readonly [lead: string, text: string])[] {
  if (error instanceof ConfigError) return error.problems.map((problem) => [LEAD, problem]);
  const { message, hint } = bodyOf(error);
  const isKnown = error instanceof UserError || error instanceof UnreachableError;
  const what = isKnown || !(error instanceof Error) ? message : (error.stack ?? message);
  return [
    [LEAD, what],
    [' '.repeat(LEAD.length), hint],
  ];
}

function exitFor(error: unknown): number {
  if (error instanceof ConfigError) return error.portTaken && isChild() ? EXIT.portTaken : EXIT.configuration;
  if (error instanceof UserError) return EXIT.wrongUse;
  return error instanceof UnreachableError ? EXIT.unreachable : EXIT.defect;
}

/** Whether this is a process that `up` has started. */
const isChild = () => process.argv.includes('--with-parent');
