import { z } from 'zod';
import { findRun } from '../../client/find-run.js';
import { patiently } from '../../client/patiently.js';
import { type RunOutput, readOutput } from '../../client/read-output.js';
import { hasTranscript, readTranscript } from '../../client/read-transcript.js';
import { UserError } from '../../shared/errors.js';
import { beginningOf } from '../../shared/plain-text.js';
import { RUN_STATES } from '../../shared/run-state.js';
import { linesIn, readable } from '../../shared/transcript/readable.js';
import { shownEvent } from '../../shared/transcript/shown.js';
import type { TranscriptEvent } from '../../shared/transcript/transcript.js';
import { lengthOfTime } from '../shapes/length-of-time.js';
import { transcriptEventShape } from '../shapes/transcript-event.js';
import { whichRun } from '../shapes/which-run.js';
import { workerFactsShape } from '../shapes/worker-facts-shape.js';
import { defineTool, READS, type ToolContext } from '../tool.js';

const VIEWS = ['transcript', 'events', 'raw'] as const;

const input = z.strictObject({
  ...whichRun,
  sinceTimestamp: z
    .number()
    .min(0)
    .max(9_999_999_999_999)
    .optional()
    .describe('Only what came strictly after this time (ms since the epoch, or ISO 8601)'),
  cursor: z.string().optional().describe('nextCursor of an earlier call: go on exactly there'),
  tail: z.number().int().min(1).max(100_000).optional().describe('Only the last so many lines'),
  tailBytes: z.number().int().min(1).max(1_048_576).optional().describe('Only the last so many bytes'),
  view: z
    .enum(VIEWS)
    .optional()
    .describe(
      'transcript: what the agent said and did, as text (default for programs that print JSON); events: the same, structured; raw: every byte as printed (default for others)',
    ),
  stream: z.enum(['both', 'stdout', 'stderr']).default('both'),
  maxBytes: z.number().int().min(1).max(1_048_576).default(32_768).describe('At most this much (bytes)'),
  ansi: z.boolean().default(false).describe('Keep terminal escape sequences (raw view)'),
  encoding: z.enum(['utf8', 'base64']).default('utf8').describe('base64: exact bytes (raw view)'),
  waitMs: lengthOfTime(1_000, 3_600_000)
    .default(0)
    .describe('If there is nothing new, wait up to this long for it (ms); then gathers for about 1 s'),
});

const output = z.object({
  runId: z.string(),
  view: z.enum(VIEWS).optional(),
  output: z.string().describe('Empty in the view events'),
  events: z.array(transcriptEventShape).optional(),
  status: z.enum(RUN_STATES),
  isComplete: z.boolean().describe('The run has ended and this is the end of its output'),
  nextCursor: z.string(),
  hasMore: z.boolean().describe('There is more to read right now'),
  ...workerFactsShape,
  droppedBytes: z.number().int().describe('Bytes before this answer that were removed before they were read here'),
  truncatedBefore: z.number().int().optional().describe('Output from before this time (ms) is not kept any more'),
  droppedBy: z.string().optional().describe('The setting by which it was removed'),
  lastTimestamp: z
    .number()
    .int()
    .optional()
    .describe('Of the last output in this answer; a good sinceTimestamp, though a cursor is exact'),
} satisfies Record<keyof RunOutput | 'view' | 'events', z.ZodType>);

export const streamAgentOutput = defineTool({
  name: 'stream_agent_output',
  title: 'Output of a run',
  description:
    'Reads what a run has said and done so far, live or after its end. Pass nextCursor as cursor to go on; tail gives the end, sinceTimestamp what came after a time.',
  input,
  output,
  tells: ['output', 'events', 'status', 'isComplete', 'nextCursor', 'hasMore', 'droppedBytes'],
  claude: { longAnswers: true },
  annotations: READS,
  scope: 'read',
  waitsMs: ({ waitMs }) => waitMs,
  handle: async (asked, context) => {
    const waitMs = Math.min(asked.waitMs, context.waitCapMs);
    const view = await patiently(context, () => viewFor(asked, context), performance.now() + waitMs);
    const request = { ...asked, waitMs, gatherMs: GATHER_MS };
    if (view === 'raw') return { view, ...(await readOutput(context, asked, request)) };
    // As JSON a character may be six, and an answer carries its text twice: this still reaches its client.
    const most = Math.min(asked.maxBytes, MOST_CHARS);
    const shown = (event: TranscriptEvent) => shownEvent(event, most);
    const sizeOf = SIZES[view];
    const { events, ...rest } = await readTranscript(context, asked, {
      ...request,
      most,
      sizeOf: (event) => sizeOf(event, most),
      ...(view === 'transcript' && { linesIn }),
    });
    if (view === 'events') return { view, output: '', events: events.map(shown), ...rest };
    const text = readable(events.map((event) => withShortText(event, most)));
    return { view, output: asked.tail === undefined ? text : lastLinesOf(text, asked.tail), ...rest };
  },
});

const MOST_CHARS = 500_000;
/** A client that follows is answered this long after the first news (ms), so that it need not call for each line. */
const GATHER_MS = 1_000;

const lastLinesOf = (text: string, count: number) =>
  text
    .split(/(?<=\n)/)
    .slice(-count)
    .join('');

/** How much of an answer an event takes (characters). */
const SIZES = {
  events: (event: TranscriptEvent, most: number) => JSON.stringify(shownEvent(event, most)).length,
  transcript: (event: TranscriptEvent, most: number) => readable([withShortText(event, most)]).length,
} as const;

/** What an agent says at once may be longer than an answer shall be. */
function withShortText(event: TranscriptEvent, most: number): TranscriptEvent {
  if (event.type !== 'text' || event.text.length <= most) return event;
  const { text } = event;
  return { ...event, text: `${beginningOf(text, most)}… [${text.length} characters in all; view raw has them]\n` };
}

async function viewFor({ view, ansi, encoding, ...which }: z.infer<typeof input>, context: ToolContext) {
  const isRaw = ansi || encoding === 'base64';
  if (view !== undefined && view !== 'raw' && isRaw)
    throw new UserError(
      'invalid_argument',
      `view ${view} excludes ansi and encoding base64, which are of the bytes as they were printed`,
      'Leave them out, or ask for view raw.',
    );
  if (view !== undefined || isRaw) return view ?? 'raw';
  return hasTranscript(context.pool, await findRun(context, which)) ? 'transcript' : 'raw';
}
