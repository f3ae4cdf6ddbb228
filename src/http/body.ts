import { setTimeout as pause } from 'node:timers/promises';
import { refuse } from './refuse.js';

/** The largest body that is read (bytes); a longer prompt has to come another way. */
const LARGEST_BODY = 4 * 1024 * 1024;

/** Ends the connection: nobody waits for the rest of the body. */
const CLOSE = { connection: 'close' };
/** The connection stays for a moment: a client that still sends would not see the answer otherwise. */
const tooLarge = () => refuse(413, 'body_too_large', `a body may have ${LARGEST_BODY} bytes`);

/** The JSON of a body, or why there is none: too large (413), too slow (408) or not JSON (400). */
export async function readJson(request: Request, withinMs: number): Promise<{ value: unknown } | Response> {
  if (Number(request.headers.get('content-length') ?? 0) > LARGEST_BODY) return tooLarge();
  const reader = request.body?.getReader();
  const given = new AbortController();
  const late = pause(withinMs, 'late' as const, { signal: given.signal, ref: false }).catch(() => 'late' as const);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const read = await Promise.race([reader?.read(), late]);
      if (read === 'late') {
        reader?.cancel().catch(() => {});
        return refuse(408, 'body_too_slow', `a body has to be there within ${withinMs} ms`, CLOSE);
      }
      if (!read || read.done) break;
      bytes += read.value.length;
      if (bytes > LARGEST_BODY) return tooLarge();
      chunks.push(read.value);
    }
    return { value: JSON.parse(Buffer.concat(chunks, bytes).toString('utf8')) };
  } catch (error) {
    if (error instanceof SyntaxError) return notJson(error.message);
    return refuse(400, 'body_broken', 'the body broke off', CLOSE);
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
