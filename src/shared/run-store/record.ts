import { attemptsOf } from '../agents/fallbacks.js';
import { omitUndefined } from '../omit-undefined.js';
import { LOCAL } from '../principal.js';
import { partsOf } from '../queues/route.js';
import type { RedisClient } from '../redis/connect.js';
import type {
  Credentials,
  Failure,
  KillSignal,
  Labels,
  LaunchFacts,
  ProviderLimit,
  Run,
  RunRequest,
  Usage,
} from '../run.js';
import { RUN_STATES, type RunState } from '../run-state.js';
import { readTraceContext, type TraceContext } from '../traces/trace-context.js';

type Fields = Readonly<Record<string, string>>;

const number = (text: string | undefined) => (text === undefined || text === '' ? undefined : Number(text));
const json = <Value>(text: string | undefined) => (text ? (JSON.parse(text) as Value) : undefined);

function killRequest(fields: Fields): Run['kill'] {
  const requestedAt = number(fields.killRequestedAt);
  if (requestedAt === undefined) return undefined;
  return {
    requestedAt,
    signal: (fields.killSignal ?? 'TERM') as KillSignal,
    graceMs: Number(fields.killGraceMs ?? 0),
    ...(fields.killReason && { reason: fields.killReason }),
  };
}

/** The state in a record; throws for an unknown one. */
export function stateOf(text: string | undefined): RunState {
  const state = RUN_STATES.find((known) => known === text);
  if (!state) throw new Error(`the record of a run has the unknown state ${text}`);
  return state;
}

function credentialsOf({ credentials, attempt }: Fields): Run['credentials'] {
  const values = json<Omit<Credentials, 'attempt'>>(credentials);
  return values && { attempt: number(attempt) ?? 1, ...values };
}

function limitOf({ state, limit, limitedAt }: Fields): Pick<Run, 'limit' | 'limitedAt'> {
  return state === 'running' && limit
    ? omitUndefined({ limit: json<ProviderLimit>(limit), limitedAt: number(limitedAt) })
    : {};
}

/** The labels of a record, from their text. */
export const labelsFrom = (text: string | undefined): Labels | undefined => json<Labels>(text);

/** A run from the fields of its hash; undefined when there is no such run. */
export function runFromFields(fields: Fields): Run | undefined {
  const { id, runner, agentName, queue } = fields;
  if (!id || !runner || !agentName || !queue) return undefined;
  const { requires } = partsOf(queue);
  return {
    id,
    principal: fields.principal ?? LOCAL.name,
    runner,
    agentName,
    queue,
    state: stateOf(fields.state),
    epoch: Number(fields.epoch),
    promptBytes: Number(fields.promptBytes ?? 0),
    queuedAt: Number(fields.queuedAt),
    outBytes: Number(fields.out ?? 0),
    errBytes: Number(fields.err ?? 0),
    lines: Number(fields.lines ?? 0),
    droppedBytes: Number(fields.outDropped ?? 0) + Number(fields.errDropped ?? 0),
    ...omitUndefined({
      host: fields.host,
      worker: fields.worker,
      launched: number(fields.launched),
      launchFacts: json<LaunchFacts>(fields.launchFacts),
      pid: number(fields.pid),
      sessionId: fields.sessionId,
      resumes: fields.resumes,
      mode: fields.mode,
      model: fields.model,
      path: fields.path,
      labels: labelsFrom(fields.labels),
      trace: readTraceContext(fields),
      requires: requires.length > 0 ? requires : undefined,
      waitReason: fields.state === 'queued' ? fields.waitReason : undefined,
      ...limitOf(fields),
      credentials: credentialsOf(fields),
      letGo: fields.letGo === '1' ? (true as const) : undefined,
      exitCode: number(fields.exitCode),
      failure: json<Failure>(fields.failure),
      usage: json<Usage>(fields.usage),
      kill: killRequest(fields),
      claimedAt: number(fields.claimedAt),
      startedAt: number(fields.startedAt),
      lastOutputAt: number(fields.lastOutputAt),
      orphanedAt: number(fields.orphanedAt),
      endedAt: number(fields.endedAt),
      endRecordedAt: number(fields.endRecordedAt),
    }),
  };
}

/** The run whose record is at a key; undefined when nothing is there. */
export async function readRun(redis: RedisClient, key: string): Promise<Run | undefined> {
  return runFromFields(await redis.hgetall(key));
}

/** The fields that a new run starts with, flat as HSET takes them. */
export function fieldsOfRequest(id: string, queue: string, request: RunRequest): string[] {
  const { runner, agentName, prompt, principal, sessionId, mode, model, path, setup, labels = {} } = request;
  const of = attemptsOf(setup?.fallbacks);
  const variables = Object.keys(setup?.fallbacks ?? {});
  const credentials = of > 1 ? JSON.stringify({ of, variables }) : undefined;
  const optional = omitUndefined({
    principal,
    sessionId,
    resumes: sessionId,
    mode,
    model,
    path,
    credentials,
    labels: Object.keys(labels).length > 0 ? JSON.stringify(labels) : undefined,
  });
  const fields = { id, queue, runner, agentName, promptBytes: String(Buffer.byteLength(prompt)), ...optional };
  return Object.entries(fields).flat();
}

/** The run that was just written for a request: what its record says, without being read. */
export function runOfRequest(
  id: string,
  queue: string,
  request: RunRequest,
  queuedAt: number,
  trace: TraceContext | undefined,
): Run {
  const { runner, agentName, prompt, principal = LOCAL.name, sessionId, mode, model, path, setup, labels } = request;
  const { requires } = partsOf(queue);
  const of = attemptsOf(setup?.fallbacks);
  return {
    id,
    principal,
    runner,
    agentName,
    queue,
    state: 'queued',
    epoch: 0,
    promptBytes: Buffer.byteLength(prompt),
    queuedAt,
    outBytes: 0,
    errBytes: 0,
    lines: 0,
    droppedBytes: 0,
    ...omitUndefined({
      sessionId,
      resumes: sessionId,
      mode,
      model,
      path,
      labels: labels && Object.keys(labels).length > 0 ? labels : undefined,
      trace,
      requires: requires.length > 0 ? requires : undefined,
      credentials: of > 1 ? { attempt: 1, of, variables: Object.keys(setup?.fallbacks ?? {}) } : undefined,
    }),
  };
}
