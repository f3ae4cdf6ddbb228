import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startCounting } from './count-values.js';
import { refuse } from './refuse.js';

/** The largest body that is read (bytes); a longer prompt has to come another way. */
const LARGEST_BODY = 4 * 1024 * 1024;

/** Members and elements of one body; each is looked at several times on its way. */
const MOST_VALUES = 20_000;

/** So much more is read, and thrown away, before the answer (bytes): who is hung up on while he sends never sees it. */
const LARGEST_DISCARDED = 16 * LARGEST_BODY;

const TOO_MANY_BYTES = 'too many bytes of requests are in memory; see AGENTPOOL_MAX_BODY_BYTES';

/** Ends the connection: nobody waits for the rest of the body. */
const CLOSE = { connection: 'close' };

/**
 * The JSON of a body, or why it cannot be had: too large or with too many values (413), too slow (408) or not JSON (400). Reads Node's own stream,
 * since each of the web streams around it takes memory for as long as the call is open. `mayHold` is asked for each part.
 */
export async function readJson(
  incoming: IncomingMessage,
  withinMs: number,
  mayHold: (bytes: number) => boolean,
): Promise<{ value: unknown; bytes: number } | Response> {
  const coming = incoming.iterator({ destroyOnReturn: false });
  const given = new AbortController();
  const late = pause(withinMs, 'late' as const, { signal: given.signal, ref: false }).catch(() => 'late' as const);
  let chunks: Buffer[] = [];
  let bytes = 0;
  const count = startCounting(MOST_VALUES);
  let hasTooMany = false;
  try {
    for (;;) {
      const read = await Promise.race([coming.next(), late]);
      if (read === 'late') return refuse('body_too_slow', `a body has to be there within ${withinMs} ms`, CLOSE);
      if (read.done) break;
      bytes += read.value.length;
      if (bytes > LARGEST_DISCARDED) break;
      hasTooMany ||= !count(read.value);
      if (bytes > LARGEST_BODY || hasTooMany) chunks = [];
      else if (mayHold(read.value.length)) chunks.push(read.value);
      else return refuse('too_many_bytes', TOO_MANY_BYTES, { ...CLOSE, 'retry-after': '1' });
    }
    if (bytes > LARGEST_BODY) return refuse('body_too_large', `a body may have ${LARGEST_BODY} bytes`);
    if (hasTooMany) return refuse('too_many_values', `a request may hold ${MOST_VALUES} values`);
    return { value: JSON.parse(Buffer.concat(chunks, bytes).toString('utf8')), bytes };
  } catch (error) {
    if (error instanceof SyntaxError) return notJson(error.message);
    return refuse('body_broken', 'the body broke off', CLOSE);
  } finally {
    given.abort();
  }
}

/** As JSON-RPC says it. */
const notJson = (message: string) =>
  new Response(
    JSON.stringify({ jsonrpc: '2.0', error: { code: -32700, message: `Parse error: ${message}` }, id: null }),
    { status: 400, headers: { 'content-type': 'application/json' } },
  );
