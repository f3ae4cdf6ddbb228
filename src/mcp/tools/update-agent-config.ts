import { z } from 'zod';
import { type AgentProfile, profileShape } from '../../shared/agents/profile.js';
import { UserError } from '../../shared/errors.js';
import { agentView, viewOfAgent } from './agent-view.js';
import { checkRunner } from './submit.js';
import { defineTool } from './tool.js';

const { name, runner, prompt, env, mcpServers, fallbacks, ...plain } = profileShape;

/** A record of which each entry is changed by itself; null removes it. */
const entries = <Key extends z.core.$ZodRecordKey, Value extends z.core.SomeType>(
  record: z.ZodOptional<z.ZodRecord<Key, Value>>,
) =>
  z
    .record(record.unwrap().keyType, z.union([record.unwrap().valueType, z.null()]))
    .nullable()
    .optional()
    .describe(`${record.description}. Entries that are not named stay; null removes one`);

const nullable = Object.fromEntries(
  Object.entries(plain).map(([key, schema]) => [
    key,
    schema.unwrap().nullable().optional().describe(`${schema.description}; null removes it`),
  ]),
) as { [Key in keyof typeof plain]: z.ZodOptional<z.ZodNullable<ReturnType<(typeof plain)[Key]['unwrap']>>> };

export const updateAgentConfig = defineTool({
  name: 'update_agent_config',
  title: 'Change an agent',
  description:
    'Changes what is given of a profile and leaves the rest. Two who change different parts at once lose nothing; with revision it changes only what you have seen.',
  input: z.strictObject({
    name,
    runner: runner.optional(),
    prompt: prompt.optional(),
    ...nullable,
    env: entries(env),
    mcpServers: entries(mcpServers),
    fallbacks: entries(fallbacks),
    revision: z.number().int().min(1).optional().describe('Change it only if it still has this revision'),
  }),
  output: agentView,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  scope: 'admin', // it decides what others run, and which variables of the workers go where
  handle: async ({ name: agent, revision, ...changes }, { pool }) => {
    if (Object.values(changes).every((value) => value === undefined))
      throw new UserError('invalid_argument', 'nothing is to be changed', 'Give at least one part of the profile.');
    const workers = await pool.workers.living();
    const edit = (before: AgentProfile) => {
      const after = merged(before, changes) as AgentProfile;
      if (changes.runner !== undefined || changes.mode !== undefined)
        checkRunner(pool, { runner: after.runner, ...(after.mode && { mode: after.mode }) }, workers);
      return after;
    };
    return viewOfAgent(await pool.agents.update(agent, edit, revision));
  },
});

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of a profile in which each entry is changed by itself. */
const BY_ENTRY: ReadonlySet<string> = new Set(['env', 'mcpServers', 'fallbacks']);

/** A profile with its changes: what is undefined stays, what is null goes, records are merged by their entries. */
function merged(before: object, changes: object, byEntry = BY_ENTRY): object {
  const after = new Map<string, unknown>(Object.entries(before));
  for (const [key, change] of Object.entries(changes)) {
    if (change === undefined) continue;
    const old = after.get(key);
    if (change === null) after.delete(key);
    else if (byEntry.has(key) && isRecord(change)) after.set(key, merged(isRecord(old) ? old : {}, change, new Set()));
    else after.set(key, change);
  }
  return Object.fromEntries(after);
}
