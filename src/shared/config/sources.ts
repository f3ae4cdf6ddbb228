import { dirname, join, resolve } from 'node:path';
import { userHome } from './home.js';
import { isSetting, settingsIn } from './names.js';

type Env = Readonly<Record<string, string | undefined>>;

/** What a configuration directory may hold: settings, and what does not fit a variable. */
export const ENV_FILE = '.env';
export const CONFIG_FILE = 'agentpool.config.json';

/** Only the environment may say these: they decide which files are read at all. */
const ENVIRONMENT_ONLY = ['AGENTPOOL_ENV_FILE', 'AGENTPOOL_DIRECTORY_CONFIG'];
/** Settings that are one path. */
const PATH_SETTING = /^(AGENTPOOL_HOME|AGENTPOOL_CONFIG|(AGENTPOOL_|REDIS_)\w*_FILE)$/;

/** Both files of a directory, as text; undefined where a file does not exist. */
export interface DirectoryFiles {
  readonly directory: string;
  readonly env: string | undefined;
  readonly config: string | undefined;
}

/** Whether a person has said that the files of a directory are configuration, and whether they are still the same. */
export type Trust = 'trusted' | 'changed' | 'unknown';

/** What the configuration is read from; nothing else of the process matters to it. */
export interface Surroundings {
  readonly env: Env;
  readonly cwd: string;
  readonly readFile: (path: string) => string | undefined;
  /** Asked about the working directory. Absent: nothing is taken from there, whatever a person has said. */
  readonly trust?: (files: DirectoryFiles) => Trust;
}

/** A file of which something was not taken, and why. */
export interface Ignored {
  readonly path: string;
  readonly why: string;
}

/** Everything that was found, before it is checked. */
export interface Sources {
  /** Our settings by name, each from the nearest source that has it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The file that a setting came from; without an entry it is the environment. */
  readonly from: ReadonlyMap<string, string>;
  /** Configuration files by their paths, the nearest first. */
  readonly configFiles: ReadonlyMap<string, string>;
  readonly home: string;
  readonly ignored: readonly Ignored[];
  readonly problems: readonly string[];
}

/** Settings from one place; without a `path` it is the environment. */
interface Layer {
  readonly path?: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Where the user's own configuration is. */
export function userDirectory(env: Env): string {
  return join(env.XDG_CONFIG_HOME || join(userHome(env), '.config'), 'agentpool');
}

/** AGENTPOOL_HOME where nothing says another one. */
export function defaultHome(env: Env): string {
  if (process.platform === 'darwin') return join(userHome(env), 'Library', 'Application Support', 'agentpool');
  return join(env.XDG_STATE_HOME || join(userHome(env), '.local', 'state'), 'agentpool');
}

/** Both configuration files of a directory. */
export function filesOf(directory: string, readFile: Surroundings['readFile']): DirectoryFiles {
  return { directory, env: readFile(join(directory, ENV_FILE)), config: readFile(join(directory, CONFIG_FILE)) };
}

/**
 * Finds the configuration: in the environment, the files that it names, the working directory if a person trusts it,
 * AGENTPOOL_HOME, and the configuration directory of the user. The first of them that has a name wins.
 */
export function readSources(surroundings: Surroundings): Sources {
  const { env, cwd, readFile } = surroundings;
  const ignored: Ignored[] = [];
  const problems: string[] = [];
  const read = (name: string, path: string) => {
    const text = readFile(path);
    if (text === undefined) problems.push(`${name}: ${path} cannot be read`);
    return text ?? '';
  };

  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => isSetting(...entry)),
  );
  const environment: Layer = { values: absolute(given, cwd) };
  const named = environment.values.AGENTPOOL_ENV_FILE;
  const explicit = named === undefined ? [] : [layerOf(named, read('AGENTPOOL_ENV_FILE', named), ignored)];
  const here = given.AGENTPOOL_DIRECTORY_CONFIG === 'never' ? undefined : trustedFiles(surroundings, ignored);
  const user = filesOf(userDirectory(env), readFile);
  const near = [environment, ...explicit, ...(here ? [layerOf(join(cwd, ENV_FILE), here.env, ignored)] : [])];
  const far = layerOf(join(user.directory, ENV_FILE), user.env, ignored);
  const home = [...near, far].find(({ values }) => values.AGENTPOOL_HOME)?.values.AGENTPOOL_HOME ?? defaultHome(env);
  const ofHome = filesOf(home, readFile);
  const { settings, from } = merged([
    ...near,
    layerOf(join(home, ENV_FILE), ofHome.env, ignored, ['AGENTPOOL_HOME']),
    far,
  ]);
  const config = settings.AGENTPOOL_CONFIG;
  const configFiles =
    config === undefined ? configsOf([here, ofHome, user]) : [[config, read('AGENTPOOL_CONFIG', config)] as const];
  return { settings, from, configFiles: new Map(configFiles), home, ignored, problems };
}

/** The files of the working directory if they are to be taken; else says why they are not, where they concern us. */
function trustedFiles({ cwd, readFile, trust }: Surroundings, ignored: Ignored[]): DirectoryFiles | undefined {
  const files = filesOf(cwd, readFile);
  const names = Object.keys(settingsIn(files.env ?? '').taken);
  const concerning = [
    ...(files.config === undefined ? [] : [join(cwd, CONFIG_FILE)]),
    ...(names.length === 0 ? [] : [`${join(cwd, ENV_FILE)} (${names.join(', ')})`]),
  ];
  const verdict = trust?.(files) ?? 'never';
  if (verdict === 'trusted') return files;
  const why = {
    never: 'this command takes no configuration from the working directory',
    changed: 'it has changed since it was trusted; look at it, then: agentpool trust',
    unknown: 'a working directory is not configuration; if this one is yours: agentpool trust',
  }[verdict];
  for (const path of concerning) ignored.push({ path, why });
  return undefined;
}

function layerOf(path: string, text: string | undefined, ignored: Ignored[], refused: readonly string[] = []): Layer {
  const { taken, left } = settingsIn(text ?? '', [...ENVIRONMENT_ONLY, ...refused]);
  if (left.length > 0)
    ignored.push({ path, why: `only settings of agentpool are taken from it, not ${left.join(', ')}` });
  return { path, values: absolute(taken, dirname(path)) };
}

/** In a file, a path begins where the file is. */
function absolute(values: Readonly<Record<string, string>>, directory: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, PATH_SETTING.test(name) ? resolve(directory, value) : value]),
  );
}

function merged(layers: readonly Layer[]): Pick<Sources, 'settings' | 'from'> {
  const settings: Record<string, string> = {};
  const from = new Map<string, string>();
  for (const { path, values } of layers)
    for (const [name, value] of Object.entries(values)) {
      if (Object.hasOwn(settings, name)) continue;
      settings[name] = value;
      if (path !== undefined) from.set(name, path);
    }
  return { settings, from };
}

function configsOf(directories: readonly (DirectoryFiles | undefined)[]): (readonly [string, string])[] {
  return directories.flatMap((files) =>
    files?.config === undefined ? [] : [[join(files.directory, CONFIG_FILE), files.config] as const],
  );
}
