import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { startCounting } from './count-values.js';
import { refuse } from './refuse.js';

/** The largest body that is read (bytes); a longer prompt has to come another way. */
const LARGEST_BODY = 4 * 1024 * 1024;

/** Members and elements of one body; each is looked at several times on its way. */
const MOST_VALUES = 20_000;

const TOO_MANY_BYTES = 'too many bytes of requests are in memory; see AGENTPOOL_MAX_BODY_BYTES';

/** Ends the connection without waiting for the rest of the body. */
const CLOSE = { connection: 'close' };

/**
 * The JSON of a body, or why it cannot be had: too large or with too many values (413), too much together (429), too slow (408) or not JSON (400).
 * Reads Node's own stream, since each of the web streams around it takes memory for as long as the call is open. `mayHold` is asked for
 * the length that was declared, so that nothing is read of what is refused; where none was, for each part.
 */
export async function readJson(
  incoming: IncomingMessage,
  withinMs: number,
  mayHold: (bytes: number) => boolean,
): Promise<{ value: unknown; bytes: number } | Response> {
  const length = incoming.headers['content-length'];
  if (Number(length) > LARGEST_BODY) return tooLarge();
  if (length !== undefined && !mayHold(Number(length))) return tooMany();
  const coming = incoming.iterator({ destroyOnReturn: false });
  const given = new AbortController();
  const late = pause(withinMs, 'late' as const, { signal: given.signal, ref: false }).catch(() => 'late' as const);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const count = startCounting(MOST_VALUES);
  try {
    for (;;) {
      const read = await Promise.race([coming.next(), late]);
      if (read === 'late') return refuse('body_too_slow', `a body has to be there within ${withinMs} ms`, CLOSE);
      if (read.done) break;
      bytes += read.value.length;
      if (bytes > LARGEST_BODY) return tooLarge();
      if (length === undefined && !mayHold(read.value.length)) return tooMany();
      if (!count(read.value)) return refuse('too_many_values', `a request may hold ${MOST_VALUES} values`, CLOSE);
      chunks.push(read.value);
    }
    return { value: JSON.parse(Buffer.concat(chunks, bytes).toString('utf8')), bytes };
  } catch (error) {
    if (error instanceof SyntaxError) return notJson(error.message);
    return refuse('body_broken', 'the body broke off', CLOSE);
  } finally {
    given.abort();
  }
}

const tooLarge = () => refuse('body_too_large', `a body may have ${LARGEST_BODY} bytes`, CLOSE);
const tooMany = () => refuse('too_many_bytes', TOO_MANY_BYTES, { ...CLOSE, 'retry-after': '1' });

/** As JSON-RPC says it. */
const notJson = (message: string) =>
  new Response(
    JSON.stringify({ jsonrpc: '2.0', error: { code: -32700, message: `Parse error: ${message}` }, id: null }),
    { status: 400, headers: { 'content-type': 'application/json' } },
  );
