import type { AgentProfile } from '../shared/agents/profile.js';
import { UserError } from '../shared/errors.js';
import { didYouMean } from '../shared/nearest.js';
import type { Pool } from '../shared/pool.js';
import { hostQueue, partsOf } from '../shared/queues/route.js';
import type { RunRequest } from '../shared/run.js';
import type { Session } from '../shared/run-store/sessions.js';
import { unmet } from '../shared/workers/labels.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import { unmetInWords } from './unmet-requirements.js';

/** Throws a UserError for a runner that nobody knows, and for what it cannot do. */
export function checkRunner(
  pool: Pool,
  { runner: name, mode, sessionId }: Pick<RunRequest, 'runner' | 'mode' | 'sessionId'>,
  workers: readonly LivingWorker[],
): void {
  const runner = pool.runners.get(name);
  const elsewhere = workers.flatMap((worker) => worker.runners.map((offered) => offered.name));
  if (!runner && elsewhere.includes(name)) return; // a worker's own runner, of which we know the name only
  if (!runner) {
    const known = [...new Set([...pool.runners.keys(), ...elsewhere])];
    const hint = `Use one of: ${known.join(', ')}.${didYouMean(name, known)}`;
    throw new UserError('unknown_runner', `there is no ${JSON.stringify(name)}`, hint, 'runner');
  }
  if (mode !== undefined && !runner.modes?.includes(mode)) {
    const allowed = runner.modes ? `Use one of: ${runner.modes.join(', ')}.` : 'Leave it out.';
    throw new UserError('invalid_argument', `${runner.title} has no mode ${JSON.stringify(mode)}`, allowed, 'mode');
  }
  if (sessionId !== undefined && !runner.resumeArgs)
    throw new UserError('cannot_resume', `${runner.title} cannot resume a session`, 'Leave it out.', 'sessionId');
}

/** Throws a UserError for a prompt that says nothing, or is longer than the pool allows. */
export function checkPrompt({ config }: Pool, prompt: string): void {
  if (prompt.trim() === '')
    throw new UserError('invalid_argument', 'it is blank', 'Say what the agent shall do.', 'prompt');
  const bytes = Buffer.byteLength(prompt);
  if (bytes <= config.maxPromptBytes) return;
  throw new UserError(
    'prompt_too_large',
    `it has ${bytes} bytes, and ${config.maxPromptBytes} are allowed`,
    'Put the long part into a file under path and name it in the prompt, or raise AGENTPOOL_MAX_PROMPT_BYTES.',
    'prompt',
  );
}

/** Throws a UserError for what the profile of an agent has and its runner cannot be given: every run would fail. */
export function checkGiven(pool: Pool, name: string, { mcpServers = {} }: Pick<AgentProfile, 'mcpServers'>): void {
  const runner = pool.runners.get(name);
  if (!runner?.lacks?.includes('mcpServers') || Object.keys(mcpServers).length === 0) return;
  const others = [...pool.runners.values()].filter(({ lacks }) => !lacks?.includes('mcpServers'));
  throw new UserError(
    'invalid_argument',
    `${runner.title} takes no MCP servers`,
    `Leave them out, or use a runner that takes them: ${others.map((one) => one.name).join(', ')}.`,
    'mcpServers',
  );
}

/** What the caller should know who resumes a session that this pool has not seen; a person may have begun it elsewhere. */
export function unknownSession({ runner, sessionId }: RunRequest, session: Session | undefined): string | undefined {
  if (sessionId === undefined || session) return undefined;
  return `This pool knows no session ${sessionId} of ${runner}: the program is asked to resume it on whatever host takes the run, and fails where it does not have it. list_runs (agentpool runs) shows the sessions of earlier runs.`;
}

/** Throws a UserError for a host that does not have the session. */
export function checkHost({ host }: RunRequest, session: Session | undefined): void {
  if (!session || host === undefined || host === session.host) return;
  throw new UserError(
    'wrong_host',
    `session ${session.id} lives on ${session.host}, not on ${host}`,
    'Leave it out.',
    'host',
  );
}

/** Throws a UserError for a host that has never had a worker: nobody would ever take the run, and its queue would stay. */
export async function checkKnownHost({ queues }: Pool, host: string | undefined): Promise<void> {
  if (host === undefined) return;
  const names = await queues.names();
  if (names.includes(hostQueue(host))) return;
  const hosts = [...new Set(names.flatMap((name) => partsOf(name).host ?? []))];
  throw new UserError(
    'unknown_host',
    `host: there never was a worker on ${JSON.stringify(host)}`,
    hosts.length === 0 ? 'Start a worker there first.' : `Use one of: ${hosts.slice(0, 20).join(', ')}.`,
  );
}

/** Whether a worker may take such a run now, with or without room for it. */
export function suits(worker: LivingWorker, request: RunRequest, session: Session | undefined): boolean {
  return isAble(worker, request, session) && unmet(request.requires ?? [], worker.labels).length === 0;
}

/** Whether a worker has the program of a run, on the host that it is bound to. */
function isAble(worker: LivingWorker, { runner, host }: RunRequest, session: Session | undefined): boolean {
  const bound = session?.host ?? host;
  const offered = worker.runners.some(({ name }) => name === runner);
  return offered && worker.phase === 'ready' && (bound === undefined || worker.host === bound);
}

/** Whether a worker that suits takes runs just now, with or without room for them. */
export const takesRuns = ({ problem, cordonedSince }: LivingWorker) => !problem && cordonedSince === undefined;

/** What the caller of a run that nobody can take yet should know. */
export function waitsWarning(
  pool: Pool,
  request: RunRequest,
  session: Session | undefined,
  workers: readonly LivingWorker[],
): string {
  const suited = workers.filter((worker) => suits(worker, request, session));
  const unhealthy = suited.map((worker) => `${worker.host} (${worker.problem?.message ?? 'cordoned'})`);
  if (unhealthy.length > 0) return `The run waits: nothing can be started for now on ${unhealthy.join(', ')}.`;
  const { runner, requires = [] } = request;
  const bound = session?.host ?? request.host;
  const able = workers.filter((worker) => isAble(worker, request, session));
  if (able.length > 0) {
    const { message, hint } = unmetInWords({ runner, requires, host: bound }, able);
    return `${message}; the run waits until one does. ${hint}`;
  }
  const where = bound === undefined ? '' : ` on host ${bound}`;
  const install = pool.runners.get(runner)?.install;
  return `No live worker has ${runner}${where}; the run waits until one does.${install ? ` Install it on a worker: ${install}` : ''}`;
}
