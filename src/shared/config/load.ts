import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { nearest } from '../nearest.js';
import { type CustomRunner, configFile, customOutput, customRunner } from './custom-runner.js';
import { withoutMark } from './names.js';
import { ruleOf } from './rule-of.js';
import { SETTINGS } from './settings.js';
import { readSources, type Sources, type Surroundings } from './sources.js';

export { RUN_MARK } from './names.js';
export type { Surroundings } from './sources.js';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<S>;
type Key<S extends string> = S extends `AGENTPOOL_${infer Rest}` ? Camel<Rest> : Camel<S>;
const schema = z.strictObject(SETTINGS);
type Loaded = { readonly [Name in keyof typeof SETTINGS as Key<Name>]: z.infer<(typeof SETTINGS)[Name]> };

/** What every process starts with: each setting of docs/reference/settings.md by its name in camelCase. */
export type Config = Omit<Loaded, 'home' | 'hostName' | 'allowedPaths'> & {
  readonly home: string;
  readonly hostName: string;
  readonly allowedPaths: readonly string[];
  readonly customRunners: Readonly<Record<string, CustomRunner>>;
};

/** Reads and checks the configuration. Throws one ConfigError with all problems at once. */
export function loadConfig(surroundings: Surroundings): Config {
  return checkedConfig(readSources(surroundings), surroundings);
}

/** Checks what was found. Throws one ConfigError with all problems at once, each with the file that it is in. */
export function checkedConfig(sources: Sources, { cwd, readFile }: Pick<Surroundings, 'cwd' | 'readFile'>): Config {
  const problems = [...sources.problems];
  const settings = withSecretFiles(sources.settings, readFile, problems);
  // Parsed once: to compile a function for it takes longer.
  const parsed = schema.safeParse(settings, { error: ruleOf, jitless: true });
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, sources.from)));
  const configs = [...sources.configFiles].map(([path, text]) => runnersIn(path, text, problems));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const loaded = Object.fromEntries(
    Object.entries(parsed.data).map(([name, value]) => [camelName(name), value]),
  ) as unknown as Loaded;
  return {
    ...loaded,
    home: sources.home,
    hostName: loaded.hostName ?? hostNameFrom(hostname()),
    allowedPaths: (loaded.allowedPaths ?? [cwd]).map((path) => resolve(cwd, path)),
    customRunners: Object.assign({}, ...configs.toReversed()),
  };
}

const SECRETS_IN_FILES = ['REDIS_URL', 'REDIS_PASSWORD', 'REDIS_SENTINEL_PASSWORD', 'AGENTPOOL_TOKENS'];

/** A secret may be in a file, which the variable with the suffix `_FILE` names. */
function withSecretFiles(
  settings: Sources['settings'],
  readFile: Surroundings['readFile'],
  problems: string[],
): Record<string, string> {
  const result = { ...settings };
  for (const name of SECRETS_IN_FILES) {
    const path = settings[`${name}_FILE`];
    if (path === undefined) continue;
    const text = readFile(path);
    if (text === undefined) problems.push(`${name}_FILE: ${path} cannot be read`);
    else if (settings[name] !== undefined) problems.push(`${name}: set it or ${name}_FILE, not both`);
    else if (text.trim() !== '') result[name] = withoutMark(text).trim();
  }
  return result;
}

/** The name of a setting in `Config`: `AGENTPOOL_KILL_GRACE_MS` is `killGraceMs`. */
function camelName(name: string): string {
  const words = name.replace(/^AGENTPOOL_/, '').toLowerCase();
  return words.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** What AGENTPOOL_HOST_NAME would allow of the name of the machine. */
export function hostNameFrom(name: string): string {
  const allowed = name.replaceAll(/[^\w.-]/g, '-').replace(/^[.-]+/, '');
  return allowed.slice(0, 64) || 'host';
}

/** The common prefix says nothing about what was meant, so only the rest of two names is compared. */
const bare = (name: string) => name.replace(/^AGENTPOOL_/, '');

function suggestion(name: string, known: readonly string[]): string {
  const meant = nearest(bare(name), known.map(bare));
  return meant === undefined ? '' : `; did you mean ${known.find((candidate) => bare(candidate) === meant)}?`;
}

function describeIssue(issue: z.core.$ZodIssue, from: Sources['from']): string[] {
  const named = (name: string) => (from.has(name) ? `${name} (in ${from.get(name)})` : name);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${named(key)}: no such setting${suggestion(key, Object.keys(SETTINGS))}`);
  const [name, at] = issue.path;
  return [`${named(String(name))}: ${typeof at === 'number' ? `entry ${at + 1} ` : ''}${issue.message}`];
}

function runnersIn(path: string, text: string, problems: string[]): Readonly<Record<string, CustomRunner>> {
  let content: unknown;
  try {
    content = JSON.parse(withoutMark(text));
  } catch (error) {
    problems.push(`${path}: not JSON: ${(error as Error).message}`);
    return {};
  }
  const parsed = configFile.safeParse(content, { error: ruleOf });
  if (parsed.success) return parsed.data.runners;
  problems.push(...parsed.error.issues.flatMap(describeFileIssue).map((problem) => `${path}: ${problem}`));
  return {};
}

/** The schemas of the file by their depth in it: the file, a runner, the output of a runner. */
const SCHEMAS = [configFile, undefined, customRunner, customOutput];

function describeFileIssue(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.') || 'the file';
  if (issue.code === 'invalid_key') return [`${at}: ${issue.issues[0]?.message ?? issue.message}`];
  if (issue.code !== 'unrecognized_keys') return [`${at}: ${issue.message}`];
  const known = Object.keys(SCHEMAS[issue.path.length]?.shape ?? {});
  return issue.keys.map((key) => `${at}: no such key: ${key}${suggestion(key, known)}`);
}
