import { size } from '../measures.js';
import { plainText } from '../plain-text.js';
import type { Usage } from '../run.js';
import type { ChangedFile } from './changed-files.js';
import type { AgentEvent } from './event.js';
import { oneLine } from './one-line.js';
import type { TranscriptEvent } from './transcript.js';

/** Output that was not understood is shown up to here (characters), and messages in JSON, which nobody reads, up to there. */
const RAW_CHARS = 4_000;
const RAW_JSON_CHARS = 500;
/** Thoughts are shown up to here (characters). */
const THOUGHT_CHARS = 300;

/** What was spent, in words; empty where nothing is known. */
export function usageInWords({ inputTokens, outputTokens, cachedInputTokens, costUsd }: Usage): string {
  const cached = cachedInputTokens ? ` (${cachedInputTokens} cached)` : '';
  return [
    inputTokens === undefined ? '' : `${inputTokens} tokens in${cached}`,
    outputTokens === undefined ? '' : `${outputTokens} out`,
    costUsd === undefined ? '' : `$${Number(costUsd.toPrecision(3))}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** A changed file, in words. */
export function fileInWords({ path, operation, added, removed }: ChangedFile): string {
  const lines = added === undefined && removed === undefined ? '' : ` +${added ?? 0} -${removed ?? 0}`;
  const what = operation === 'add' ? ' (new)' : operation === 'delete' ? ' (deleted)' : '';
  return `${plainText(path)}${lines}${what}`;
}

/** An event that is not text, as one line; undefined for what a reader of the transcript need not see. */
export function lineOf(event: Exclude<AgentEvent, { type: 'text' }>): string | undefined {
  switch (event.type) {
    case 'thinking':
      return `[thinking] ${oneLine(event.text, THOUGHT_CHARS)}`;
    case 'tool_call':
      return `[tool] ${oneLine(event.name)}${event.summary === '' ? '' : `: ${event.summary}`}`;
    case 'tool_result': {
      const more = event.bytes > Buffer.byteLength(event.summary) + 1 ? ` (${size(event.bytes)})` : '';
      return `[${event.ok ? 'ok' : 'failed'}] ${event.summary}${more}`.trimEnd();
    }
    case 'file_change':
      return `[file] ${fileInWords(event)}`;
    case 'limit': {
      const retry = event.retryAfterMs === undefined ? '' : `, again in ${(event.retryAfterMs / 1_000).toFixed(1)} s`;
      const tries = event.attempt === undefined ? '' : `, attempt ${event.attempt} of ${event.maxAttempts ?? '?'}`;
      const reset = event.resetsAt === undefined ? '' : `, until ${new Date(event.resetsAt).toISOString()}`;
      return `[limit] ${oneLine(event.message, THOUGHT_CHARS)}${tries}${retry}${reset}`;
    }
    case 'error':
      return `[${event.transient ? 'warning' : 'error'}] ${oneLine(event.message, THOUGHT_CHARS)}`;
    case 'status':
      return `[status] ${oneLine(event.message)}`;
    case 'raw': {
      const most = event.text.startsWith('{') ? RAW_JSON_CHARS : RAW_CHARS;
      if (event.text.length <= most) return plainText(event.text);
      return `${oneLine(event.text, most)} (${size(Buffer.byteLength(event.text))})`;
    }
    case 'usage':
      return event.of === 'step' ? undefined : `[usage] ${usageInWords(event)}`;
  }
}

/**
 * Events as text that people and models can read: what the agent says as it is, everything else a line with its kind in
 * brackets. Lines on stderr that follow one another are one, and what is said twice in a row is said once.
 */
export function readable(events: readonly TranscriptEvent[]): string {
  let text = '';
  let last: string | undefined;
  const line = (words: string) => {
    if (text !== '' && !text.endsWith('\n')) text += '\n';
    text += `${words}\n`;
    last = words;
  };
  for (const [at, event] of events.entries()) {
    if (event.type === 'text') {
      const before = events[at - 1];
      if (text !== '' && !text.endsWith('\n') && !(event.delta && before?.type === 'text' && before.delta))
        text += '\n';
      text += plainText(event.text);
      last = undefined;
      continue;
    }
    if (event.stream === 'stderr') {
      if (events[at - 1]?.stream === 'stderr') continue;
      const others = countWhile(events, at + 1, ({ stream }) => stream === 'stderr');
      const words = event.type === 'raw' ? oneLine(event.text, THOUGHT_CHARS) : (lineOf(event) ?? '');
      line(`[stderr] ${words}${others > 0 ? ` (and ${others} more ${others === 1 ? 'line' : 'lines'})` : ''}`);
      continue;
    }
    const words = lineOf(event);
    if (words !== undefined && (words !== last || event.type === 'raw')) line(words);
  }
  return text;
}

/** How many lines of `readable` end in these events. */
export const linesIn = (events: readonly TranscriptEvent[]) => readable(events).split('\n').length - 1;

function countWhile<Item>(items: readonly Item[], from: number, holds: (item: Item) => boolean): number {
  let count = 0;
  for (let at = from; at < items.length && holds(items[at] as Item); at += 1) count += 1;
  return count;
}
