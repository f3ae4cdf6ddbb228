import type { Logger } from '../../shared/logger.js';
import { beginningOf, plainText } from '../../shared/plain-text.js';
import type { Pool } from '../../shared/pool.js';
import type { FailureKind, Run } from '../../shared/run.js';
import { isEnded } from '../../shared/run-state.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import type { Runners } from '../../shared/runners/list.js';
import type { Output } from '../../shared/runners/runner.js';
import type { SpanFacts, Traces } from '../../shared/traces/traces.js';
import type { OwnedRun } from './owned-run.js';

/** What is collected of a run while it goes on, and told when it has ended. */
export interface RunTrace {
  /** Looks at a message of its program: which tools are called. */
  saw(message: unknown): void;
  /** The provider has refused an attempt, and there will be another one. */
  refused(because: FailureKind): void;
  /** Tells of the run if it has ended, by its record. Never throws. */
  over(): Promise<void>;
}

export interface RunTraceDeps {
  readonly traces: Traces;
  readonly runs: Pick<RunStore, 'get'>;
  readonly runners: Runners;
  readonly logger: Logger;
}

/** Something that happened in a run (`at`: ms since the epoch by the clock of this host). */
export interface Happening {
  readonly name: string;
  readonly facts: SpanFacts;
  readonly at: number;
}

/** How many tool calls are recorded one by one; the rest is counted. SDKs keep 128 events of a span. */
const MOST_TOLD = 100;
/** Of the name of a tool (characters). */
const LONGEST_NAME = 128;

export function openRunTrace({ traces, runs, runners, logger }: RunTraceDeps, owned: OwnedRun): RunTrace {
  const happenings: Happening[] = [];
  const output = runners.get(owned.runner)?.output;
  const calls = new Set<string>();
  let count = 0;
  return {
    saw(message) {
      for (const { name, id } of callsIn(output, message)) {
        if (id !== undefined && calls.has(id)) continue; // some programs tell of a call in pieces
        count += 1;
        if (count > MOST_TOLD) continue;
        if (id !== undefined) calls.add(id);
        const facts = { 'gen_ai.tool.name': name, 'gen_ai.tool.call.id': id };
        happenings.push({ name: 'execute_tool', facts, at: Date.now() });
      }
    },
    refused: (because) => void happenings.push({ name: 'retry', facts: { 'error.type': because }, at: Date.now() }),
    async over() {
      try {
        const left = new Promise<undefined>((resolve) => {
          owned.gone.addEventListener('abort', () => resolve(undefined), { once: true });
        });
        const run = owned.gone.aborted ? undefined : await Promise.race([runs.get(owned.id), left]);
        // For a run that was given back or taken over, the worker that ends it sends the span.
        if (run?.epoch === owned.epoch && isEnded(run.state))
          tellRun({ traces, runners }, run, happenings, { 'agentpool.run.tool_calls': count });
      } catch (error) {
        logger.debug({ runId: owned.id, err: error }, 'the run is in no trace: its record cannot be read');
      }
    },
  };
}

function toolCallsIn(output: Output | undefined, message: unknown): { name: string; id: string | undefined }[] {
  const events = output?.format === 'text' ? output.events?.(String(message)) : output?.events?.(message);
  return (events ?? []).flatMap((event) =>
    event.type === 'tool_call' ? [{ name: word(event.name), id: event.toolCallId && word(event.toolCallId) }] : [],
  );
}

/** What cannot be understood is in the output, and in no trace. */
function callsIn(output: Output | undefined, message: unknown) {
  try {
    return toolCallsIn(output, message);
  } catch {
    return [];
  }
}

const word = (text: string) => beginningOf(plainText(text), LONGEST_NAME);

/** Sends the spans of runs whose worker did not come back; undefined without traces. */
export function tellLost({ traces, runners }: Pick<Pool, 'traces' | 'runners'>): ((run: Run) => void) | undefined {
  return traces && ((run) => tellRun({ traces, runners }, run, []));
}

/** Tells of a run that has ended: how long it waited, and the run itself, which whoever submitted it is the parent of. */
function tellRun(
  { traces, runners }: Pick<RunTraceDeps, 'traces' | 'runners'>,
  run: Run,
  happenings: readonly Happening[],
  more: SpanFacts = {},
): void {
  const { trace: parent, queue, queuedAt, claimedAt = queuedAt, endedAt } = run;
  const ahead = Date.now() - (run.endRecordedAt ?? endedAt ?? Date.now()); // its times are those of Redis
  const atOf = (at: number) => at + ahead;
  const waiting = traces.begin(`receive ${queue}`, {
    kind: 'consumer',
    parent,
    startedAt: atOf(queuedAt),
    facts: {
      'messaging.system': 'bullmq',
      'messaging.operation.name': 'receive',
      'messaging.operation.type': 'receive',
      'messaging.destination.name': queue,
      'messaging.message.id': run.id,
    },
  });
  waiting.end({ endedAt: atOf(claimedAt) });
  const facts = { ...factsOf(run, runners.get(run.runner)?.provider), ...more };
  const span = traces.begin(`invoke_agent ${run.agentName}`, {
    kind: 'internal',
    parent,
    startedAt: atOf(claimedAt),
    facts,
  });
  for (const { name, facts: of, at } of happenings) span.event(name, of, at);
  span.end({ endedAt: atOf(endedAt ?? claimedAt), error: errorOf(run) });
}

/** By the conventions for generative AI, and in our own words where they have none. */
function factsOf(run: Run, provider = run.runner): SpanFacts {
  const { id, runner, agentName, model, sessionId, usage = {}, state, exitCode, host, worker, principal } = run;
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': provider,
    'gen_ai.agent.name': agentName,
    'gen_ai.request.model': model,
    'gen_ai.conversation.id': sessionId,
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cachedInputTokens,
    'agentpool.usage.cost_usd': usage.costUsd,
    'agentpool.run.id': id,
    'agentpool.runner': runner,
    'agentpool.run.state': state,
    'agentpool.run.attempts': run.credentials?.attempt,
    'agentpool.run.resumed': run.resumes === undefined ? undefined : true,
    'agentpool.host': host,
    'agentpool.worker': worker,
    'agentpool.principal': principal,
    'process.exit.code': exitCode,
  };
}

/** A killed run has no error. */
const errorOf = ({ state, failure }: Run) => (state === 'killed' ? undefined : failure?.kind);
