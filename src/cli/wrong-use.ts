import type { CommanderError } from 'commander';
import { UserError } from '../shared/errors.js';

const OF_AN_OPTION = /^option '.*?(--[\w-]+).*?' argument '(.*)' is invalid\. (?:It )?(.*)\.$/s;
const SUGGESTION = /\n\((Did you mean .*\?)\)$/s;

/** What commander has refused, in our words: `--limit must be at most 200`, with what was meant where that is near. */
export function wrongUse({ message }: Pick<CommanderError, 'message'>): UserError {
  const text = message.replace(/^error: /, '');
  const [, option, given, rule] = OF_AN_OPTION.exec(text) ?? [];
  if (option !== undefined)
    return new UserError('invalid_argument', `${option} ${rule}`, `It was ${given || 'empty'}.`);
  const [, suggestion] = SUGGESTION.exec(text) ?? [];
  const what = text.replace(SUGGESTION, '');
  return new UserError('invalid_argument', what, suggestion ?? '--help shows what there is.');
}
