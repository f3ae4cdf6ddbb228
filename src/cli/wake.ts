import type { WaitedView } from '../client/wait.js';
import { beginningOf, endOf } from '../shared/plain-text.js';
import { isEnded } from '../shared/run-state.js';

/** The tools whose answer names runs that were just submitted, with whatever the client puts before the name. */
const SUBMITTING_TOOL = /(^|__)(run_agent|run_agents_parallel)$/;
/** The model can ask for more than this (characters). */
const MOST_RESULT_CHARS = 4_000;
const MOST_OUTPUT_CHARS = 1_000;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The run ids in what Claude Code gives a PostToolUse hook; none for other tools and for calls that failed. */
export function runIdsIn(hookInput: unknown): string[] {
  if (!isRecord(hookInput) || !SUBMITTING_TOOL.test(String(hookInput.tool_name))) return [];
  return [...new Set(idsWithin(hookInput.tool_response))];
}

/** The answer of a tool comes as an object, as text with JSON in it, or as a list of such texts, by version and client. */
function idsWithin(value: unknown): string[] {
  if (typeof value === 'string') return /^\s*[[{]/.test(value) ? idsWithin(parsed(value)) : [];
  if (!isRecord(value)) return [];
  const own = typeof value.runId === 'string' ? [value.runId] : [];
  return [...own, ...Object.values(value).flatMap(idsWithin)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a model is told when it is woken. */
export function wakingWords(runs: readonly WaitedView[]): string {
  const rest = 'get_agent_status and stream_agent_output with the runId have the rest.';
  return [...runs.map(wordsOf), rest].join('\n\n');
}

function wordsOf({ runId, agentName, status, failure, result, output }: WaitedView): string {
  const run = `agentpool: run ${runId} of agent ${agentName}`;
  if (!isEnded(status)) return `${run} is still ${status}; wait_agent goes on waiting for it.`;
  const why = failure ? `: ${failure.message} (${failure.kind})` : '';
  const shown =
    result !== undefined
      ? `Its result:\n${cut(result, MOST_RESULT_CHARS)}`
      : output === ''
        ? 'It has printed nothing.'
        : `The end of its output:\n${endOf(output, MOST_OUTPUT_CHARS)}`;
  return `${run} has ended: ${status}${why}\n${shown}`;
}

const cut = (text: string, most: number) => (text.length <= most ? text : `${beginningOf(text, most)}… (cut)`);
