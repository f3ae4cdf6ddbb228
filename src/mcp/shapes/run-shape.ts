import { z } from 'zod';
import type { RunView } from '../../client/run-view.js';
import { FAILURE_KINDS } from '../../shared/run.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { workerFactsShape } from './worker-facts-shape.js';

const time = z.number().int().optional();
const iso = z.string().optional();

export const failureShape = z.object({ kind: z.enum(FAILURE_KINDS), message: z.string() });
/** What was spent, as callers see it. */
export const usageShape = z.object({
  inputTokens: z.number().optional(),
  outputTokens: z.number().optional(),
  cachedInputTokens: z.number().optional(),
  costUsd: z.number().optional(),
});

const credentialsView = z
  .object({ attempt: z.number().int(), of: z.number().int(), variables: z.array(z.string()) })
  .describe("Which of its agent's values for these variables it uses; a further one when the provider refused");

/** A run as callers see it. Times are milliseconds since the epoch by the clock of Redis, and ISO strings. */
export const runShape = z.object({
  runId: z.string(),
  principal: z.string().describe('Who submitted it'),
  runner: z.string(),
  agentName: z.string(),
  status: z.enum(RUN_STATES),
  pid: z.number().int().optional(),
  host: z.string().optional(),
  worker: z.string().optional(),
  sessionId: z.string().optional(),
  credentials: credentialsView.optional(),
  exitCode: z.number().int().optional(),
  failure: failureShape.optional(),
  usage: usageShape.optional(),
  model: z.string().optional(),
  mode: z.string().optional(),
  path: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  requires: z.array(z.string()).optional(),
  promptLine: z.string().optional().describe('The first line of the prompt'),
  queuedAt: z.number().int(),
  queuedAtIso: z.string(),
  startedAt: time,
  startedAtIso: iso,
  lastOutputAt: time,
  lastOutputAtIso: iso,
  endedAt: time,
  endedAtIso: iso,
  outputBytes: z.number().int().describe('Everything that the program has printed so far'),
  droppedBytes: z.number().int().describe('How much of it is no longer kept, from the beginning'),
  killRequestedAt: time,
  waitReason: z.string().optional().describe('Why a queued run is not started yet, where it is not only its turn'),
  ...workerFactsShape,
} satisfies Record<keyof RunView, z.ZodType>);
