import { z } from 'zod';
import { ruleOf } from '../config/rule-of.js';
import { UserError } from '../errors.js';
import { type AgentProfile, profileShape } from './profile.js';

const { name: _, runner, prompt, env, mcpServers, fallbacks, labels, ...plain } = profileShape;

/** A record of which each entry is changed by itself; null removes it. */
const entries = <Key extends z.core.$ZodRecordKey, Value extends z.core.SomeType>(
  record: z.ZodOptional<z.ZodRecord<Key, Value>>,
) =>
  z
    .record(record.unwrap().keyType, z.union([record.unwrap().valueType, z.null()]))
    .nullable()
    .optional()
    .describe('As in create_agent, by entries: others stay, null removes one');

const nullable = Object.fromEntries(
  Object.entries(plain).map(([key, schema]) => [
    key,
    schema.unwrap().nullable().optional().describe(`${schema.description}; null removes it`),
  ]),
) as { [Key in keyof typeof plain]: z.ZodOptional<z.ZodNullable<ReturnType<(typeof plain)[Key]['unwrap']>>> };

/** Changes of a profile: members that are not given stay, null removes a member or an entry of one. */
export const changesShape = {
  runner: runner.optional(),
  prompt: prompt.optional(),
  ...nullable,
  env: entries(env),
  mcpServers: entries(mcpServers),
  fallbacks: entries(fallbacks),
  labels: entries(labels),
};

/** The members that null takes away. */
export const REMOVABLE = [
  ...(Object.keys(plain) as (keyof typeof plain)[]),
  'env',
  'mcpServers',
  'fallbacks',
  'labels',
] as const;

const profile = z.strictObject(profileShape);
const changes = z.strictObject(changesShape);

export type ProfileChanges = z.infer<typeof changes>;

/** The message of a problem, without the value, which may be a secret. */
function wrongWith(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `there is no ${issue.keys.join(', ')}`;
    case 'invalid_union':
      return issue.errors.map((ways) => ways.map(wrongWith).join(' and ')).join(', or ');
    case 'invalid_key':
      return issue.issues.map(wrongWith).join(', ');
    default:
      return /^(must|is) /.test(issue.message) ? `it ${issue.message}` : issue.message;
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const { success, data, error } = schema.safeParse(given, { reportInput: true, error: ruleOf });
  if (success) return data;
  const problems = error.issues.map((issue) => `${issue.path.join('.') || 'profile'}: ${wrongWith(issue)}`);
  throw new UserError('invalid_agent', problems.join('; '), 'agentpool agents example shows a profile.');
}

/** Checks a profile that a caller has given. Throws a UserError that says what is wrong with it. */
export const checkedProfile = (given: unknown): AgentProfile => checked(profile, given);

/** Checks changes of a profile that a caller has given. Throws a UserError that says what is wrong with them. */
export const checkedChanges = (given: unknown): ProfileChanges => checked(changes, given);
