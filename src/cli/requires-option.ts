import { InvalidArgumentError } from 'commander';
import { MOST_REQUIREMENTS, WORKER_LABEL, WORKER_LABEL_RULE } from '../shared/workers/labels.js';

/** What `--requires` takes, for the help of every command that has it. */
export const REQUIRES_FLAGS = '--requires <label>';

/** An option that names labels which a worker must have, with commas, and may be given again. */
export function requiresOption(text: string, before: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((one) => one.trim());
  if (!given.every((one) => WORKER_LABEL.test(one))) throw new InvalidArgumentError(`It ${WORKER_LABEL_RULE}.`);
  const all = [...before, ...given];
  if (all.length <= MOST_REQUIREMENTS) return all;
  throw new InvalidArgumentError(`It must have at most ${MOST_REQUIREMENTS} labels.`);
}
