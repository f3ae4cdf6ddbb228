import { z } from 'zod';
import type { Submission } from '../client/submission.js';
import { runArguments, submissionOf } from '../mcp/shapes/run-arguments.js';
import { UserError } from '../shared/errors.js';

const { config: _, silent: __, ...ours } = runArguments;
const schema = z.strictObject(ours);

/** Checks what a program without types may have got wrong, by the same rules as those of run_agent. Throws a UserError. */
export function checkedSubmission(submission: Submission): Submission {
  const parsed = schema.safeParse(submission);
  if (parsed.success) return submissionOf({ ...parsed.data, silent: false, config: undefined });
  const [issue] = parsed.error.issues;
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : undefined;
  throw new UserError(
    'invalid_argument',
    keys === undefined ? (issue?.message ?? 'it is wrong') : `there is no ${keys}`,
    `A submission takes: ${Object.keys(ours).join(', ')}.`,
    keys === undefined ? issue?.path.join('.') : undefined,
  );
}
