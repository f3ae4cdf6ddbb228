import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { type CustomRunner, configFile, customOutput, customRunner } from './custom-runner.js';
import { SETTINGS } from './settings.js';

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<S>;
type Key<S extends string> = S extends `AGENTPOOL_${infer Rest}` ? Camel<Rest> : Camel<S>;
const schema = z.strictObject(SETTINGS);
type Loaded = { readonly [Name in keyof typeof SETTINGS as Key<Name>]: z.infer<(typeof SETTINGS)[Name]> };

/** What every process starts with: each setting of the README's table by its name in camelCase. */
export type Config = Omit<Loaded, 'home' | 'hostName' | 'allowedPaths'> & {
  readonly home: string;
  readonly hostName: string;
  readonly allowedPaths: readonly string[];
  readonly customRunners: Readonly<Record<string, CustomRunner>>;
};

/** What `loadConfig` looks at; nothing else of the process matters to it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly readFile: (path: string) => string | undefined;
}

/** The mark that every program of a run carries; present in our own environment when an agent calls agentpool. */
export const RUN_MARK = 'AGENTPOOL_RUN';

/** Reads the configuration. Throws one ConfigError with all problems at once. */
export function loadConfig({ env, cwd, readFile }: Surroundings): Config {
  const given = Object.entries(env).filter(
    ([name, value]) =>
      value !== undefined &&
      value !== '' &&
      name !== RUN_MARK &&
      (Object.hasOwn(SETTINGS, name) || name.startsWith('AGENTPOOL_')),
  );
  const parsed = schema.safeParse(Object.fromEntries(given));
  const problems = parsed.success ? [] : parsed.error.issues.flatMap(describeIssue);
  const file = readConfigFile(env.AGENTPOOL_CONFIG, cwd, readFile, problems);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const loaded = Object.fromEntries(
    Object.entries(parsed.data).map(([name, value]) => [camelName(name), value]),
  ) as unknown as Loaded;
  return {
    ...loaded,
    home: resolve(cwd, loaded.home ?? defaultHome(env)),
    hostName: loaded.hostName ?? hostNameFrom(hostname()),
    allowedPaths: (loaded.allowedPaths ?? [cwd]).map((path) => resolve(cwd, path)),
    customRunners: file,
  };
}

/** The name of a setting in `Config`: `AGENTPOOL_KILL_GRACE_MS` is `killGraceMs`. */
function camelName(name: string): string {
  const words = name.replace(/^AGENTPOOL_/, '').toLowerCase();
  return words.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function defaultHome(env: Surroundings['env']): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'agentpool');
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'agentpool');
}

/** What AGENTPOOL_HOST_NAME would allow of the name of the machine. */
export function hostNameFrom(name: string): string {
  const allowed = name.replaceAll(/[^\w.-]/g, '-').replace(/^[.-]+/, '');
  return allowed.slice(0, 64) || 'host';
}

/** The common prefix says nothing about what was meant, so only the rest of two names is compared. */
const bare = (name: string) => name.replace(/^AGENTPOOL_/, '');

function nearest(name: string, known: readonly string[]): string {
  const best = closest(bare(name), known.map(bare));
  if (distance(bare(name), best) > Math.max(2, best.length / 3)) return '';
  return `; did you mean ${known.find((candidate) => bare(candidate) === best)}?`;
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${key}: no such setting${nearest(key, Object.keys(SETTINGS))}`);
  const [name, at] = issue.path;
  return [`${String(name)}: ${typeof at === 'number' ? `entry ${at + 1} ` : ''}${issue.message}`];
}

function readConfigFile(
  named: string | undefined,
  cwd: string,
  readFile: Surroundings['readFile'],
  problems: string[],
): Readonly<Record<string, CustomRunner>> {
  const path = resolve(cwd, named || 'agentpool.config.json');
  const text = readFile(path);
  if (text === undefined) {
    if (named) problems.push(`AGENTPOOL_CONFIG: ${path} cannot be read`);
    return {};
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    problems.push(`${path}: not JSON: ${(error as Error).message}`);
    return {};
  }
  const parsed = configFile.safeParse(content);
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
  return issue.keys.map((key) => `${at}: no such key: ${key}${nearest(key, known)}`);
}
