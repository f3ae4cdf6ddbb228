import { omitUndefined } from '../omit-undefined.js';
import { beginningOf } from '../plain-text.js';
import type { Usage } from '../run.js';
import { type ChangedFile, createChangedFiles } from './changed-files.js';
import type { AgentEvent } from './event.js';
import { oneLine } from './one-line.js';
import { lineOf } from './readable.js';
import { createSpent } from './spent.js';

/** What a run has done, in a few lines. */
export interface Activity {
  /** The last things that it said and did, one line each, the latest last. */
  readonly lastSteps: readonly string[];
  /** How many tools it has called. */
  readonly toolCalls: number;
  readonly filesChanged: readonly ChangedFile[];
  /** How many more files there are than these. */
  readonly moreFiles?: number;
  /** What it said that it has spent. */
  readonly usage?: Usage;
}

const STEPS = 5;
const STEP_CHARS = 160;
const MOST_FILES = 20;

/** Sums up events; the cost does not depend on how long what they say is. */
export function activityOf(events: readonly AgentEvent[]): Activity {
  const files = createChangedFiles();
  const spent = createSpent();
  for (const event of events) {
    files.take(event);
    if (event.type === 'usage') spent.take(event);
  }
  const changed = files.files();
  return {
    lastSteps: lastSteps(events),
    toolCalls: events.filter(({ type }) => type === 'tool_call').length,
    filesChanged: changed.slice(0, MOST_FILES),
    ...(changed.length > MOST_FILES && { moreFiles: changed.length - MOST_FILES }),
    ...omitUndefined({ usage: spent.usage() }),
  };
}

/** From the end on; a call and its result are one step, and so are the pieces of a text. */
function lastSteps(events: readonly AgentEvent[]): string[] {
  const steps: string[] = [];
  let said = '';
  const results = new Map<string, string>();
  const add = (step: string) => {
    if (step !== '' && step !== steps[0]) steps.unshift(step);
  };
  const flush = () => {
    add(oneLine(said, STEP_CHARS));
    said = '';
  };
  for (let at = events.length - 1; at >= 0 && steps.length < STEPS; at -= 1) {
    const event = events[at] as AgentEvent;
    if (event.type === 'text' && said.length < 8 * STEP_CHARS) {
      if (!event.delta || event.text.endsWith('\n')) flush();
      said = beginningOf(event.text, 8 * STEP_CHARS) + said;
      if (!event.delta) flush();
      continue;
    }
    if (event.type === 'text') continue;
    flush();
    if (event.type === 'tool_result' && event.toolCallId !== undefined)
      results.set(event.toolCallId, event.ok ? 'ok' : `failed: ${event.summary}`);
    else if (event.type === 'tool_call') {
      const result = results.get(event.toolCallId ?? '');
      const call = oneLine(`${event.name}: ${event.summary}`, STEP_CHARS);
      add(`${call}${result === undefined ? '' : ` → ${oneLine(result, STEP_CHARS)}`}`);
    } else if (event.type === 'error' || event.type === 'limit') add(oneLine(lineOf(event) ?? '', STEP_CHARS));
  }
  if (steps.length < STEPS) flush();
  return steps.slice(-STEPS);
}
