import type { Context } from 'hono';
import type { Caller } from '../client/caller.js';
import { lineAtTime, readLines, searchLines } from '../client/output-lines.js';
import { beginningOf } from '../shared/plain-text.js';
import { readIsoTime } from '../shared/read-time.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { BEGINNING, type StreamName } from '../shared/run-store/output.js';

/** How much is read and sent at once (bytes). */
const PIECE_BYTES = 512 * 1024;

const whole = (text: string | undefined, otherwise: number) =>
  text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : otherwise;

/** Lines of the output by number: `from` (from 1), `count`; with `time` (ISO or ms) the number of the line at that time. */
export async function answerLines(context: Context, caller: Caller, runId: string): Promise<Response> {
  const { from, count, time } = context.req.query();
  if (time !== undefined) {
    const at = /^\d+$/.test(time) ? Number(time) : readIsoTime(time);
    if (at !== undefined) return context.json({ line: await lineAtTime(caller, { runId }, at) });
  }
  return context.json(await readLines(caller, { runId }, { from: whole(from, 1), count: whole(count, 200) }));
}

/** Lines that hold the text `q`, after a line (from 1). */
export async function answerSearch(context: Context, caller: Caller, runId: string): Promise<Response> {
  const { q = '', after } = context.req.query();
  if (q === '') return context.json({ matches: [] });
  return context.json(await searchLines(caller, { runId }, { text: beginningOf(q, 1_000), after: whole(after, 0) }));
}

/** All bytes that are kept of the output, as the program has printed them: of one stream, or of both as they came. */
export function answerDownload(context: Context, { pool }: Caller, run: Run): Response {
  const asked = context.req.query('stream');
  const stream: StreamName | undefined = asked === 'stdout' || asked === 'stderr' ? asked : undefined;
  const final = isEnded(run.state);
  let from = BEGINNING;
  let isOver = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // Nothing is read ahead of a slow client.
      for (;;) {
        if (isOver) return controller.close();
        const query = { from, maxBytes: PIECE_BYTES, final, ...(stream && { stream }) };
        const page = await pool.runs.output(run.id, query);
        from = page.next;
        isOver = !page.hasMore;
        if (page.bytes.length > 0) return controller.enqueue(page.bytes);
      }
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': `attachment; filename="${run.id}.${stream ?? 'output'}.txt"`,
    },
  });
}
