import { z } from 'zod';
import { AGENT_NAME, LABEL_KEY, LABEL_VALUE, type McpServer, MOST_LABELS, WORD } from '../run.js';
import { MOST_REQUIREMENTS, WORKER_LABEL, WORKER_LABEL_RULE } from '../workers/labels.js';

/** Such words become arguments of a program: with a dash first, some programs would take them for an option. */
export const argumentWord = z
  .string()
  .min(1)
  .max(256)
  .regex(WORD, 'must not begin with a dash or hold control characters');

/** Labels, as they are checked wherever they come in. */
export const labelsArgument = z
  .record(
    z.string().regex(LABEL_KEY, 'must begin with a letter and have up to 63 letters, digits and _ . / -'),
    z.string().regex(LABEL_VALUE, 'must have 1 to 128 characters, none of them a control character'),
  )
  .refine((labels) => Object.keys(labels).length <= MOST_LABELS, `must have at most ${MOST_LABELS} entries`);

/** What a run or an agent requires of its worker, as it is checked wherever it comes in. */
export const requiresArgument = z.array(z.string().regex(WORKER_LABEL, WORKER_LABEL_RULE)).max(MOST_REQUIREMENTS);

const plainName = z.string().regex(AGENT_NAME, 'must be 1 to 64 letters, digits, dashes or underscores');

const REFERENCE = /^\$([A-Za-z_]\w*)$|\$\{([A-Za-z_]\w*)\}/g;

/** The worker's variables that a value names, as `$NAME` alone or as `${NAME}` anywhere in it. */
export function referencesIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, plain, braced]) => plain ?? braced ?? '');
}

/** A value with each variable that it names replaced. */
export function replaceReferences(text: string, replace: (name: string) => string): string {
  return text.replace(REFERENCE, (_, plain: string | undefined, braced: string | undefined) =>
    replace(plain ?? braced ?? ''),
  );
}

/** With every run a profile is copied into the run's request, so it has to stay small. */
const MOST_PROMPT_CHARS = 262_144;
const MOST_VALUE_CHARS = 8_192;
const MOST_FALLBACKS = 8;

/** Of agentpool itself: an agent gets neither its address of Redis nor its tokens. */
const OURS = /^(AGENTPOOL_|REDIS_(URL|PASSWORD)(_FILE)?$|REDIS_(SENTINEL|TLS)_)/;
const notOurs = 'must not be a variable of agentpool itself';
const variable = z
  .string()
  .max(128)
  .regex(/^[A-Za-z_]\w*$/, 'must be the name of a variable')
  .refine((name) => !OURS.test(name), notOurs);
const value = z
  .string()
  .max(MOST_VALUE_CHARS)
  .regex(/^[^\0]*$/, 'must not hold a NUL')
  .refine((text) => !referencesIn(text).some((name) => OURS.test(name)), notOurs);
const values = z.record(variable, value);

const mcpServer: z.ZodType<McpServer> = z.union(
  [
    z.strictObject({ command: value.min(1), args: z.array(value).max(64).optional(), env: values.optional() }),
    z.strictObject({
      type: z.enum(['http', 'sse']).optional(),
      url: value
        .regex(/^https?:\/\//, 'must begin with http:// or https://')
        // Some programs get it as an argument, which everybody on the host can see.
        .refine((url) => referencesIn(url).length === 0, 'takes no variables; put secrets into headers'),
      headers: z.record(z.string().regex(/^[\w-]{1,128}$/, 'must be the name of a header'), value).optional(),
    }),
  ],
  'must be a program {"command": ..., "args": [...], "env": {...}} or an address {"url": ..., "headers": {...}}',
);

const milliseconds = (least: number) => z.number().int().min(least).max(2_592_000_000);

/** The members of a profile, as they are checked wherever one comes in. */
export const profileShape = {
  name: plainName.describe('Name of the agent: letters, digits, - and _'),
  runner: z.string().min(1).max(64).describe('The agent program, as in run_agent'),
  prompt: z.string().min(1).max(MOST_PROMPT_CHARS).describe('System prompt'),
  description: z.string().max(1_000).optional().describe('For those who choose an agent'),
  model: argumentWord.optional().describe('The model, as the agent program calls it'),
  mode: z.string().min(1).max(64).optional().describe('A mode of the runner'),
  path: z
    .string()
    .max(4_096)
    .regex(/^\//, 'must be absolute')
    .optional()
    .describe('Working directory on the worker, absolute'),
  timeoutMs: milliseconds(1_000).optional().describe('End a run after this time (ms)'),
  silenceTimeoutMs: milliseconds(0)
    .optional()
    .describe('End a run when it prints nothing for this long (ms); 0: never'),
  env: values
    .optional()
    .describe('Variables for the program: {"NAME": "text"}, or "$NAME" for a variable of the worker; secrets only so'),
  mcpServers: z
    .record(plainName, mcpServer)
    .optional()
    .describe(
      'MCP servers for the agent: {"name": {command, args, env} or {type, url, headers}}; secrets only as $NAME',
    ),
  labels: labelsArgument.optional().describe('Labels of it and of its runs, as in run_agent'),
  requires: requiresArgument.optional().describe('What its runs require besides their own, as in run_agent'),
  fallbacks: z
    .record(variable, z.array(value).min(1).max(MOST_FALLBACKS))
    .optional()
    .describe('More values of variables, tried in order when the provider refuses: {"NAME": ["$KEY_2"]}'),
};

const profile = z.strictObject(profileShape);

/** A named agent: what runs with that `agentName` are given, unless they say otherwise. */
export type AgentProfile = z.infer<typeof profile>;

/** A profile as it is kept. Times are Redis server milliseconds. */
export interface StoredProfile extends AgentProfile {
  /** 1 when created; rises with every change. */
  readonly revision: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What the list of agents shows of each. */
export type ProfileSummary = Pick<
  StoredProfile,
  'name' | 'runner' | 'description' | 'model' | 'mode' | 'labels' | 'requires' | 'revision' | 'createdAt' | 'updatedAt'
> & { readonly variables: string[] };

/** A value of a profile with where it stands, and the name that says what it is. */
interface PlacedValue {
  readonly where: string;
  readonly name: string;
  readonly value: string;
}

/** Every value of a profile that may name a variable of the worker, or hold what should not be in Redis. */
export function valuesOf({ env = {}, fallbacks = {}, mcpServers = {} }: Partial<AgentProfile>): PlacedValue[] {
  const of = (where: string, record: Readonly<Record<string, string>> | undefined) =>
    Object.entries(record ?? {}).map(([name, text]) => ({ where: `${where}.${name}`, name, value: text }));
  return [
    ...of('env', env),
    ...Object.entries(fallbacks).flatMap(([name, list]) =>
      list.map((text, at) => ({ where: `fallbacks.${name}.${at}`, name, value: text })),
    ),
    ...Object.entries(mcpServers).flatMap(([server, given]) => {
      const where = `mcpServers.${server}`;
      return 'command' in given ? of(`${where}.env`, given.env) : of(`${where}.headers`, given.headers);
    }),
  ];
}

/** The names of the variables that a worker needs for a profile, each once, in order. */
export function variablesOf(given: Partial<AgentProfile>): string[] {
  return [...new Set(valuesOf(given).flatMap(({ value: text }) => referencesIn(text)))].sort();
}
