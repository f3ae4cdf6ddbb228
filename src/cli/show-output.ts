import { terminalText } from '../shared/plain-text.js';

interface Stream {
  readonly isTTY?: boolean;
  write(chunk: string | Uint8Array): unknown;
}

/**
 * How the output of a run is asked for and shown: a terminal gets text with colours and styles, since anything else
 * could steer it; a pipe, a file, and `raw` get the bytes as they are.
 */
export function outputTo(stream: Stream, raw = false) {
  const asIs = raw || !stream.isTTY;
  return {
    query: asIs ? ({ encoding: 'base64' } as const) : ({ ansi: true } as const),
    write: ({ output }: { readonly output: string }) =>
      void stream.write(asIs ? Buffer.from(output, 'base64') : terminalText(output)),
  };
}
