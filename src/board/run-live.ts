import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Caller } from '../client/caller.js';
import { findRun } from '../client/find-run.js';
import { followTranscript } from '../client/follow.js';
import { hasTranscript } from '../client/read-transcript.js';
import { UserError } from '../shared/errors.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { createWaker } from '../shared/run-store/wait.js';
import { lookAtRun } from './look-at-run.js';
import { runHead } from './run-page.js';
import { createBlocks } from './transcript-blocks.js';

/** How often the facts of a run are sent again, besides at each change of its state (ms). */
const FACTS_EVERY_MS = 2_000;
/** Output notifications that are closer together than this are sent as one (ms). */
const LINES_EVERY_MS = 50;

type Tell = (event: string, data: unknown, id?: string) => Promise<void>;

/** The events for the page of a run while the run goes on, from a cursor of its transcript; ends with the run. */
export function liveRun(context: Context, caller: Caller, runId: string, cursor: string | undefined): Response {
  return streamSSE(context, async (stream) => {
    const over = new AbortController();
    stream.onAbort(() => over.abort());
    const live = { ...caller, signal: over.signal };
    const tell: Tell = (event, data, id) =>
      stream.writeSSE({ event, data: JSON.stringify(data), ...(id !== undefined && { id }) });
    try {
      await Promise.all([
        tellLines(live, runId, tell),
        tellFacts(live, runId, tell),
        tellTranscript(live, runId, cursor, tell),
      ]);
      if (!over.signal.aborted) await tell('end', {});
    } catch (error) {
      // The page asks again, from where it was. Its run may be gone meanwhile.
      if (!asUnreachable(error) && !(error instanceof UserError))
        caller.pool.logger.error({ err: error, runId }, 'a live page failed');
    } finally {
      over.abort();
    }
  });
}

async function tellTranscript(caller: Following, runId: string, cursor: string | undefined, tell: Tell): Promise<void> {
  const run = await findRun(caller, { runId });
  if (!hasTranscript(caller.pool, run)) return;
  const blocks = createBlocks(run.startedAt);
  // A page that reconnects continues where its last block began to grow: that block is sent again, whole.
  let resumeAt = cursor ?? '';
  const request = { live: true, ...(cursor !== undefined && { cursor }) };
  for await (const part of followTranscript(caller, { runId }, request)) {
    const told = blocks.take(part.events);
    if (!blocks.isGrowing()) resumeAt = part.nextCursor;
    const list = await Promise.all(told.map(async ({ key, html }) => ({ key, html: String(await html) })));
    if (list.length > 0) await tell('blocks', list, resumeAt);
  }
}

type Following = Caller & { readonly signal: AbortSignal };

/** Looks at a run after each notification that matters, and now and then, until it has ended. */
async function watch(
  { pool, ...caller }: Following,
  runId: string,
  matters: (message: string) => boolean,
  look: (run: Run) => Promise<void>,
): Promise<void> {
  const waker = createWaker(caller.signal);
  const stopListening = await pool.runs.onNotification(runId, (message) => matters(message) && waker.wake());
  try {
    while (!caller.signal.aborted) {
      await pool.ready();
      const run = await findRun({ pool, ...caller }, { runId });
      await look(run);
      if (isEnded(run.state)) return;
      await waker.next(FACTS_EVERY_MS);
    }
  } finally {
    stopListening();
    waker.stop();
  }
}

/** Sends the number of lines with each output. */
async function tellLines(caller: Following, runId: string, tell: Tell): Promise<void> {
  let told = -1;
  await watch(
    caller,
    runId,
    () => true,
    async (run) => {
      const bytes = run.outBytes + run.errBytes;
      if (bytes !== told) {
        told = bytes;
        await tell('lines', { lines: run.lines, bytes });
        await pause(LINES_EVERY_MS);
      }
    },
  );
}

/** Sends the head of the page with each change of the state, and now and then. */
async function tellFacts(caller: Following, runId: string, tell: Tell): Promise<void> {
  await watch(
    caller,
    runId,
    (message) => message !== 'output',
    async (run) => {
      const html = String(await runHead(await lookAtRun(caller, run)));
      await tell('head', { html, state: run.state, agent: run.agentName });
    },
  );
}
