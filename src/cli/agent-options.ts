import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { RUN_LIMITS } from '../client/limits.js';
import { messageOf, UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Labels } from '../shared/run.js';
import { LABEL_FLAGS, labelOption } from './label-option.js';
import { milliseconds, several } from './options.js';
import { REQUIRES_FLAGS, requiresOption } from './requires-option.js';

/** What `agents create` and `agents update` take; the names of a profile's members are those of the tools. */
export interface AgentOptions {
  readonly file?: string;
  readonly runner?: string;
  readonly prompt?: string;
  readonly promptFile?: string;
  readonly description?: string;
  readonly model?: string;
  readonly mode?: string;
  readonly path?: string;
  readonly timeout?: number;
  readonly silenceTimeout?: number;
  readonly env?: readonly string[];
  readonly fallback?: readonly string[];
  readonly label?: Labels;
  readonly requires?: readonly string[];
  readonly mcpServers?: string;
  readonly unset?: readonly string[];
  readonly revision?: number;
  readonly json?: boolean;
}

/** Adds the options that say what is in a profile. */
export function withProfileOptions(command: Command): Command {
  return command
    .option('--file <file>', 'the profile as JSON; - reads it from stdin; other options take precedence')
    .option('--runner <name>', 'claude, demo, or another that a worker has')
    .option('--prompt <text>', 'the system prompt')
    .option('--prompt-file <file>', 'the system prompt, from a file; - reads it from stdin')
    .option('--description <text>', 'what the agent is for')
    .option('--model <model>', 'the model')
    .option('--mode <mode>', 'a mode of the runner')
    .option('--path <directory>', 'the working directory on the worker')
    .option('--timeout <time>', 'end a run when it takes longer: ms, or 90s, 5m', milliseconds(RUN_LIMITS.timeoutMs))
    .option(
      '--silence-timeout <time>',
      'end a run when it prints nothing for so long',
      milliseconds(RUN_LIMITS.silenceTimeoutMs),
    )
    .option('--env <name=value>', "a variable; '$NAME' refers to a variable of the worker (repeatable)", several)
    .option('--fallback <name=value>', 'a further value, for when the earlier ones are refused (repeatable)', several)
    .option(LABEL_FLAGS, 'a label of its runs (repeatable)', labelOption)
    .option(REQUIRES_FLAGS, 'its runs need a worker with this label (repeatable)', requiresOption)
    .option('--mcp-servers <file>', 'MCP servers as JSON, alone or under mcpServers')
    .option('--json', 'print data as JSON');
}

type Json = Record<string, unknown>;

/** What the options say, as the arguments of the tools; what was not given is not there. */
export function profileFrom(options: AgentOptions): Json {
  const file = options.file === undefined ? {} : jsonFrom(options.file);
  const said: Json = {
    runner: options.runner,
    prompt: options.promptFile === undefined ? options.prompt : textFrom(options.promptFile),
    description: options.description,
    model: options.model,
    mode: options.mode,
    path: options.path,
    timeoutMs: options.timeout,
    silenceTimeoutMs: options.silenceTimeout,
    requires: options.requires,
    labels: options.label && { ...(file.labels as Json), ...options.label },
    env: options.env && { ...(file.env as Json), ...Object.fromEntries(options.env.map(pairOf)) },
    fallbacks: options.fallback && { ...(file.fallbacks as Json), ...gathered(options.fallback.map(pairOf)) },
    mcpServers: options.mcpServers === undefined ? undefined : mcpServersFrom(options.mcpServers),
  };
  return (options.unset ?? []).reduce(without, { ...file, ...omitUndefined(said) });
}

/** `model` takes a member away, `env.NAME` an entry of one. */
function without(profile: Json, place: string): Json {
  const [member = '', ...rest] = place.split('.');
  if (rest.length === 0) return { ...profile, [member]: null };
  return { ...profile, [member]: { ...(profile[member] as Json | undefined), [rest.join('.')]: null } };
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UserError('invalid_argument', 'a variable is given without a value', 'Write NAME=value.');
}

function gathered(pairs: readonly [string, string][]): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const [name, value] of pairs) lists[name] = [...(lists[name] ?? []), value];
  return lists;
}

function mcpServersFrom(file: string): unknown {
  const json = jsonFrom(file);
  return 'mcpServers' in json ? json.mcpServers : json;
}

function jsonFrom(file: string): Json {
  const text = textFrom(file);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch {}
  throw new UserError(
    'invalid_argument',
    `${nameOf(file)} is not a JSON object`,
    'agentpool agents example shows one.',
  );
}

function textFrom(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UserError('invalid_argument', `${nameOf(file)} cannot be read: ${messageOf(error)}`, 'Check its name.');
  }
}

const nameOf = (file: string) => (file === '-' ? 'stdin' : file);
