import { z } from 'zod';
import { UserError } from '../../shared/errors.js';
import { beginningOf } from '../../shared/plain-text.js';
import type { Pool } from '../../shared/pool.js';
import type { Run } from '../../shared/run.js';
import { isEnded, RUN_STATES } from '../../shared/run-state.js';
import { BEGINNING, cursorOf, type Position, parseCursor, positionAfter } from '../../shared/run-store/output.js';
import type { OutputPage, OutputQuery } from '../../shared/run-store/read-output.js';
import { createWaker } from '../../shared/run-store/wait.js';
import { outputAnswer } from '../overmind/answers.js';
import { overmindRun } from '../overmind/named-workspace.js';
import { startReporting } from './progress.js';
import { textOf } from './text.js';
import { defineTool, READS, type ToolContext } from './tool.js';
import { withWhatIsGone } from './what-is-gone.js';
import { findRun, runById, whichRun } from './which-run.js';

/**
 * Clients of the SDK hang up on a message of more than 10 MB, and an answer carries its text twice, escaped: as JSON a
 * page has no more characters than this. Output full of control characters makes smaller pages.
 */
const LARGEST_PAGE_CHARS = 3_000_000;

/** A lost ring costs this much (ms). */
const LOOK_AGAIN_MS = 5_000;

const input = z.strictObject({
  ...whichRun,
  sinceTimestamp: z
    .number()
    .min(0)
    .max(9_999_999_999_999)
    .optional()
    .describe('Only output that came strictly after this time (ms since the epoch, by the clock of Redis)'),
  cursor: z.string().optional().describe('nextCursor of an earlier call: goes on exactly there'),
  tail: z.number().int().min(1).max(1_048_576).optional().describe('Only the last so many bytes'),
  stream: z.enum(['both', 'stdout', 'stderr']).default('both'),
  maxBytes: z.number().int().min(1).max(1_048_576).default(32_768).describe('No more than this (bytes)'),
  ansi: z.boolean().default(false).describe('Keep the escape sequences of terminals'),
  encoding: z.enum(['utf8', 'base64']).default('utf8').describe('base64 brings binary output through exactly'),
  waitMs: z
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(0)
    .describe('Where there is nothing new, wait so long for it (ms)'),
});

const output = z.object({
  runId: z.string(),
  output: z.string(),
  status: z.enum(RUN_STATES),
  isComplete: z.boolean().describe('The run has ended and this is the end of its output'),
  nextCursor: z.string(),
  hasMore: z.boolean().describe('There is more to read right now'),
  droppedBytes: z.number().int().describe('Bytes before this answer that were let go before they were read here'),
  truncatedBefore: z.number().int().optional().describe('Output from before this time (ms) is not kept any more'),
  lastTimestamp: z
    .number()
    .int()
    .optional()
    .describe('Of the last output in this answer; a good sinceTimestamp, though a cursor is exact'),
});

export const streamAgentOutput = defineTool({
  name: 'stream_agent_output',
  title: 'Output of a run',
  description:
    'What a run prints, live or later. Following nextCursor gives every byte once; sinceTimestamp gives what came after a time; tail gives the end.',
  input,
  output,
  annotations: READS,
  scope: 'read',
  handle: async (asked, context) => {
    const { pool, waitCapMs } = context;
    const { cursor, sinceTimestamp, tail, stream, maxBytes, ansi, encoding, waitMs, ...which } = asked;
    if ([cursor, sinceTimestamp, tail].filter((value) => value !== undefined).length > 1)
      throw new UserError(
        'invalid_argument',
        'cursor, sinceTimestamp and tail exclude each other',
        'Give one of them, or none for the beginning.',
      );
    const elsewhere = await overmindRun(context, which);
    if (elsewhere) return outputAnswer(elsewhere, asked);
    const found = await findRun(context, which);
    const query: OutputQuery = {
      from: startOf(cursor, sinceTimestamp),
      maxBytes,
      wholeEscapes: encoding === 'utf8',
      ...(stream !== 'both' && { stream }),
    };
    const encode = (bytes: Buffer) => (encoding === 'base64' ? bytes.toString('base64') : textOf(bytes, ansi));
    const read = () =>
      readFitting(
        (most) =>
          tail === undefined
            ? readOnce(pool, found.id, { ...query, maxBytes: most })
            : readTail(pool, found.id, Math.min(tail, most), query),
        maxBytes,
        encode,
      );
    const { run, page } = await readOrWait(context, found.id, read, Math.min(waitMs, waitCapMs));
    const { page: whole, complete } = withWhatIsGone(run, page, query, tail !== undefined);
    const truncatedBefore =
      run.droppedBytes > 0 || whole.droppedBytes > 0
        ? ((await pool.runs.firstKeptAt(run.id)) ?? run.endedAt)
        : undefined;
    return {
      runId: run.id,
      output: encode(whole.bytes),
      status: run.state,
      isComplete: complete,
      nextCursor: cursorOf(whole.next),
      hasMore: whole.hasMore,
      droppedBytes: whole.droppedBytes,
      ...(truncatedBefore !== undefined && { truncatedBefore }),
      ...(whole.lastAt !== undefined && { lastTimestamp: whole.lastAt }),
    };
  },
});

interface Reading {
  readonly run: Run;
  readonly page: OutputPage;
}

function startOf(cursor: string | undefined, sinceTimestamp: number | undefined): Position {
  if (sinceTimestamp !== undefined) return positionAfter(sinceTimestamp);
  if (cursor === undefined) return BEGINNING;
  const position = parseCursor(cursor);
  if (position) return position;
  throw new UserError(
    'invalid_argument',
    `cursor: ${JSON.stringify(beginningOf(cursor, 100))} is none`,
    'Give nextCursor of an earlier answer as it is.',
  );
}

/** Reads again, and less, when what was read is too long as JSON. */
async function readFitting(
  read: (maxBytes: number) => Promise<Reading>,
  maxBytes: number,
  encode: (bytes: Buffer) => string,
): Promise<Reading> {
  const reading = await read(maxBytes);
  const { length } = reading.page.bytes;
  const small = length * 6 <= LARGEST_PAGE_CHARS; // the worst that escaping can do
  if (small || JSON.stringify(encode(reading.page.bytes)).length <= LARGEST_PAGE_CHARS) return reading;
  return readFitting(read, Math.floor(length / 3), encode);
}

/** The record first: when it says that the run has ended, all of its output is there already. */
async function readOnce(pool: Pool, id: string, query: OutputQuery): Promise<Reading> {
  const run = await runById(pool, id);
  return { run, page: await pool.runs.output(id, { ...query, final: isEnded(run.state) }) };
}

async function readTail(pool: Pool, id: string, bytes: number, query: OutputQuery): Promise<Reading> {
  const run = await runById(pool, id);
  return { run, page: await pool.runs.tail(id, bytes, query.stream) };
}

async function readOrWait(
  context: ToolContext,
  id: string,
  read: () => Promise<Reading>,
  waitMs: number,
): Promise<Reading> {
  const { pool, signal } = context;
  const enough = ({ run, page }: Reading) => page.bytes.length > 0 || isEnded(run.state) || signal.aborted;
  if (waitMs === 0) return read();
  const deadline = performance.now() + waitMs;
  const waker = createWaker(signal);
  const stopListening = await pool.runs.onNotification(id, waker.wake);
  let reporting: { stop(): void } | undefined;
  try {
    for (;;) {
      const reading = await read();
      const left = deadline - performance.now();
      if (enough(reading) || left <= 0) return reading;
      reporting ??= startReporting(context, [id]);
      await waker.next(Math.min(left, LOOK_AGAIN_MS));
    }
  } finally {
    reporting?.stop();
    stopListening();
    waker.stop();
  }
}
