import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { valuesFor } from '../../shared/agents/fallbacks.js';
import { referencesIn } from '../../shared/agents/profile.js';
import { allowedDirectories, isOpened } from '../../shared/allowed-directories.js';
import type { Config } from '../../shared/config/load.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { Failure, RunRequest } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Runners } from '../../shared/runners/list.js';
import type { ConfigFile, ProgramInput, Runner } from '../../shared/runners/runner.js';
import { spoolOf } from '../spool/spool.js';
import { workingDirectory } from './allowed-path.js';
import { programEnvironment, resolveMcpServers } from './environment.js';
import { inheritedEnvironment } from './inherited.js';
import type { Installed } from './installed.js';
import { environmentAs, type OtherUser, type UserOf } from './run-as.js';

/** Everything that starting a program needs, checked. */
export interface LaunchPlan {
  readonly runner: Runner;
  readonly program: string;
  readonly input: ProgramInput;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** As whom it is started; absent: as the user of the worker. */
  readonly user?: OtherUser | undefined;
  /** HOME of the program. */
  readonly home: string;
  readonly stdin: string;
  readonly files: readonly ConfigFile[];
}

/** What this worker has and allows. */
export interface PlanDeps {
  readonly sessions: Pick<RunStore['sessions'], 'find'>;
  readonly runners: Runners;
  readonly installed: Installed;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the worker's user: HOME of a program, where nothing says another one. */
  readonly home: string;
  readonly spools: string;
  readonly userOf: UserOf;
  readonly config: Pick<Config, 'home' | 'allowedPaths' | 'permissions' | 'passEnv'>;
}

/** Checks what was asked for against what this worker has and allows. `attempt`: which values of the fallbacks, from 1. */
export async function planFor(
  deps: PlanDeps,
  runId: string,
  request: RunRequest,
  attempt = 1,
): Promise<LaunchPlan | { failure: Failure }> {
  const { sessions, runners, installed, env, config } = deps;
  const offered = installed.get(request.runner);
  if (!offered) return { failure: notOffered(runners, request.runner) };
  const { runner, program } = offered;
  const session = request.sessionId === undefined ? undefined : await sessions.find(runner.name, request.sessionId);
  const lacking = lackOf(runner, request);
  if (lacking) return { failure: failure('invalid_request', `${runner.title} ${lacking}`) };
  // A session is bound to its directory: elsewhere, CLIs lose it, hang on it or start a new one.
  const opened = openedFor(request, config);
  const allowed = [...config.allowedPaths, ...allowedDirectories(config.home), ...opened];
  const place = workingDirectory(session?.path ?? request.path ?? opened[0], allowed, config.home);
  if ('failure' in place) return place;
  const setupEnv = { ...request.setup?.env, ...valuesFor(request.setup?.fallbacks, attempt) };
  const user = deps.userOf(runner.name);
  const inherited = environmentAs(user, inheritedEnvironment(env, runner.inherits, config.passEnv));
  const home = session?.home ?? programEnvironment({ worker: env, inherited, added: setupEnv }).env.HOME ?? deps.home;
  if (session && !isUsable(home)) {
    const why = `session ${session.id} lives in the home ${home}, which this worker cannot use`;
    return { failure: failure('invalid_request', `${why}; start the worker as its user`) };
  }
  const servers = resolveMcpServers(request.setup?.mcpServers ?? {}, env);
  const filesDirectory = spoolOf(deps.spools, runId).files;
  const where = { runId, home, path: place.path, filesDirectory, permissions: config.permissions };
  const input = inputOf(where, request, runner, servers.resolved);
  const added = { ...runner.variables, ...setupEnv };
  const given = runner.env?.(input) ?? {};
  const { env: programEnv, missing } = programEnvironment({ worker: env, inherited, given, added });
  const unset = [...new Set([...missing, ...servers.missing, ...unsetLater(request, env)])];
  if (unset.length > 0)
    return { failure: failure('invalid_request', `the worker's environment lacks ${unset.join(', ')}`) };
  return {
    runner,
    program,
    input,
    args: argsOf(runner, input),
    env: { ...programEnv, HOME: home },
    home,
    stdin: runner.stdin?.(input) ?? '',
    user,
    files: runner.files?.(input) ?? [],
  };
}

/** The directory of the client that asks, if a person has started it on this host; only that counts. */
function openedFor({ clientDirectory }: RunRequest, { home }: PlanDeps['config']): string[] {
  return clientDirectory !== undefined && isOpened(home, clientDirectory) ? [clientDirectory] : [];
}

function notOffered(runners: Runners, name: string): Failure {
  const known = runners.get(name);
  if (!known) return failure('invalid_request', `this worker knows no runner ${name}`);
  return failure('not_installed', `${known.command} is not on this worker's PATH; install it: ${known.install}`);
}

/** What a request wants that its runner cannot do. */
function lackOf(runner: Runner, { sessionId, setup }: RunRequest): string | undefined {
  if (sessionId !== undefined && !runner.resumeArgs) return 'cannot resume a session';
  const part = runner.lacks?.find((one) => Object.keys(setup?.[one] ?? {}).length > 0);
  return part && `cannot be given ${part}`;
}

function inputOf(
  where: Pick<ProgramInput, 'runId' | 'home' | 'path' | 'filesDirectory' | 'permissions'>,
  { prompt, sessionId: resumed, mode, model, setup }: RunRequest,
  runner: Runner,
  mcpServers: NonNullable<ProgramInput['mcpServers']>,
): ProgramInput {
  const sessionId = resumed ?? (runner.sessionIdArgs ? randomUUID() : undefined);
  const { systemPrompt } = setup ?? {};
  const given = { sessionId, mode, model, systemPrompt, mcpServers: setup?.mcpServers && mcpServers };
  return { ...where, prompt, resume: resumed !== undefined, ...omitUndefined(given) };
}

/** What further values of the fallbacks refer to and the worker lacks: found out now, not when it matters. */
const unsetLater = ({ setup }: RunRequest, env: PlanDeps['env']): string[] =>
  Object.values(setup?.fallbacks ?? {})
    .flat()
    .flatMap(referencesIn)
    .filter((name) => env[name] === undefined);

/** Whether a directory is there and we may work in it. */
function isUsable(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function argsOf(runner: Runner, input: ProgramInput): string[] {
  const { sessionId, resume } = input;
  const forSession =
    sessionId === undefined ? [] : ((resume ? runner.resumeArgs : runner.sessionIdArgs)?.(sessionId) ?? []);
  return [...runner.args(input), ...forSession];
}

/** A failure of a run before its program was started. */
export const failure = (kind: Failure['kind'], message: string): Failure => ({ kind, message });
