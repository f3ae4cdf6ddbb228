import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { valuesFor } from '../../shared/agents/fallbacks.js';
import { referencesIn } from '../../shared/agents/profile.js';
import type { Config } from '../../shared/config/load.js';
import type { Failure, RunRequest } from '../../shared/run.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Runners } from '../../shared/runners/list.js';
import type { ConfigFile, ProgramInput, Runner } from '../../shared/runners/runner.js';
import { spoolOf } from '../spool/spool.js';
import { workingDirectory } from './allowed-path.js';
import { programEnvironment, resolveMcpServers } from './environment.js';
import { inheritedEnvironment } from './inherited.js';
import type { Installed } from './installed.js';

/** Everything that starting a program needs, checked. */
export interface LaunchPlan {
  readonly runner: Runner;
  readonly program: string;
  readonly input: ProgramInput;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
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
  readonly config: Pick<Config, 'allowedPaths' | 'permissions' | 'passEnv'>;
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
  if (!offered) {
    const known = runners.get(request.runner);
    if (!known) return { failure: failure('invalid_request', `this worker knows no runner ${request.runner}`) };
    return {
      failure: failure('not_installed', `${known.command} is not on this worker's PATH; install it: ${known.install}`),
    };
  }
  const { runner, program } = offered;
  const session = request.sessionId === undefined ? undefined : await sessions.find(runner.name, request.sessionId);
  if (request.sessionId !== undefined && !runner.resumeArgs)
    return { failure: failure('invalid_request', `${runner.title} cannot resume a session`) };
  const lacking = runner.lacks?.find((part) => Object.keys(request.setup?.[part] ?? {}).length > 0);
  if (lacking) return { failure: failure('invalid_request', `${runner.title} cannot be given ${lacking}`) };
  // A session is bound to its directory: CLIs lose it, hang on it or start anew elsewhere.
  const place = workingDirectory(session?.path ?? request.path, config.allowedPaths);
  if ('failure' in place) return place;
  const sessionId = request.sessionId ?? (runner.sessionIdArgs ? randomUUID() : undefined);
  const { systemPrompt, mcpServers = {}, fallbacks } = request.setup ?? {};
  const setupEnv = { ...request.setup?.env, ...valuesFor(fallbacks, attempt) };
  const servers = resolveMcpServers(mcpServers, env);
  const inherited = inheritedEnvironment(env, runner.inherits, config.passEnv);
  const home = session?.home ?? programEnvironment({ worker: env, inherited, added: setupEnv }).env.HOME ?? deps.home;
  if (session && !isUsable(home))
    return {
      failure: failure(
        'invalid_request',
        `session ${session.id} lives in the home ${home}, which this worker cannot use; start the worker as its user`,
      ),
    };
  const input: ProgramInput = {
    runId,
    home,
    prompt: request.prompt,
    filesDirectory: spoolOf(deps.spools, runId).files,
    resume: request.sessionId !== undefined,
    path: place.path,
    permissions: config.permissions,
    ...(sessionId !== undefined && { sessionId }),
    ...(request.mode !== undefined && { mode: request.mode }),
    ...(request.model !== undefined && { model: request.model }),
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(request.setup?.mcpServers && { mcpServers: servers.resolved }),
  };
  const added = { ...runner.variables, ...setupEnv };
  const given = runner.env?.(input) ?? {};
  const { env: programEnv, missing } = programEnvironment({ worker: env, inherited, given, added });
  const later = Object.values(fallbacks ?? {})
    .flat()
    .flatMap(referencesIn); // found out now, not when it matters
  const unset = [...new Set([...missing, ...servers.missing, ...later.filter((name) => env[name] === undefined)])];
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
    files: runner.files?.(input) ?? [],
  };
}

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
