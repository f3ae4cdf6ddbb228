import { checkRunner } from '../../client/check-submission.js';
import type { AgentProfile, StoredProfile } from '../../shared/agents/profile.js';
import { UserError } from '../../shared/errors.js';
import type { Pool } from '../../shared/pool.js';
import type { LivingWorker } from '../../shared/workers/workers.js';
import { isAlive } from './processes.js';
import { DEFAULT_RUNNER, profileFrom } from './profile-from.js';
import type { Need } from './references.js';
import { deduce, type Entry } from './sessions-file.js';
import { type Problem, readWorkspace, SESSIONS, type Workspace } from './workspace.js';

export interface ImportedAgent {
  readonly name: string;
  readonly runner: string;
  /** `kept`: there is another one of that name, which stays. */
  readonly outcome: 'created' | 'replaced' | 'unchanged' | 'kept';
  readonly notes: readonly string[];
}

export interface ImportedSession {
  readonly agentName: string;
  readonly runner: string;
  readonly sessionId: string;
  readonly outcome: 'remembered' | 'known' | 'too old' | 'in use';
}

export interface Imported {
  readonly agents: readonly ImportedAgent[];
  readonly sessions: readonly ImportedSession[];
  /** What the environment of the workers has to have. */
  readonly needs: readonly Need[];
  readonly problems: readonly Problem[];
}

export interface ImportOptions {
  /** Where the sessions' files are: the host, and the home of whoever ran overmind. */
  readonly host: string;
  readonly home: string;
  /** Replace agents that differ from the workspace. */
  readonly replace: boolean;
}

/** Brings the agents and sessions of an overmind workspace into the pool. Doing it again changes nothing. */
export async function importWorkspace(pool: Pool, root: string, options: ImportOptions): Promise<Imported> {
  const workspace = readWorkspace(root);
  const problems = [...workspace.problems];
  const workers = await pool.workers.living();
  const agents: ImportedAgent[] = [];
  const needs = new Map<string, string>();
  for (const agent of workspace.agents) {
    const made = profileFrom(agent, root, workspace.env, (runner) => pool.runners.get(runner));
    try {
      if ('problem' in made) throw new UserError('invalid_agent', made.problem, '');
      const stored = await store(pool, made.profile, workers, options.replace);
      agents.push({ ...stored, notes: made.notes });
      if (stored.outcome !== 'kept') for (const { name, where } of made.needs) needs.set(name, where);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push({ file: agent.file, message: error.message });
    }
  }
  const sessions = await adoptSessions(pool, root, workspace, options, problems);
  return { agents, sessions, needs: [...needs].map(([name, where]) => ({ name, where })), problems };
}

async function store(
  pool: Pool,
  profile: AgentProfile,
  workers: readonly LivingWorker[],
  replace: boolean,
): Promise<Omit<ImportedAgent, 'notes'>> {
  const { name, runner, mode } = profile;
  checkRunner(pool, { runner, ...(mode && { mode }) }, workers);
  const there = await pool.agents.find(name);
  if (!there) await pool.agents.create(profile);
  else if (!isSame(there, profile) && replace) await pool.agents.update(name, () => profile, there.revision);
  const outcome = !there ? 'created' : isSame(there, profile) ? 'unchanged' : replace ? 'replaced' : 'kept';
  return { name, runner, outcome };
}

const inOrder = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, member]) => [key, inOrder(member)]),
      )
    : value;

function isSame(
  { revision: _, createdAt: __, updatedAt: ___, ...stored }: StoredProfile,
  profile: AgentProfile,
): boolean {
  return JSON.stringify(inOrder(stored)) === JSON.stringify(inOrder(profile));
}

/** The latest first, since the first one that is remembered becomes the one that autoResume takes. */
async function adoptSessions(
  pool: Pool,
  root: string,
  { sessions, agents }: Workspace,
  { host, home }: ImportOptions,
  problems: Problem[],
): Promise<ImportedSession[]> {
  const runnerOf = (entry: Entry) =>
    entry.runner ?? agents.find(({ name }) => name === entry.agentName)?.settings.runner ?? DEFAULT_RUNNER;
  const now = Date.now(); // by the clock that overmind wrote the file with
  const found: ImportedSession[] = [];
  for (const entry of [...sessions].sort((a, b) => b.ts - a.ts)) {
    const { agentName, sessionId } = entry;
    if (sessionId === undefined) continue; // it ended, or runs, without having told one
    const runner = runnerOf(entry);
    const line = { agentName, runner, sessionId };
    if (!pool.runners.has(runner))
      problems.push({ file: SESSIONS, message: `entry ${entry.key}: there is no runner ${runner}` });
    else if (entry.pid !== undefined && deduce(entry, now, isAlive).status === 'running')
      found.push({ ...line, outcome: 'in use' });
    else {
      const session = { id: sessionId, runner, agentName, host, path: root, home };
      found.push({ ...line, outcome: await pool.runs.sessions.adopt(session, now - (entry.lastOutputAt ?? entry.ts)) });
    }
  }
  return found;
}
