/** What the uri of a run names: its record, or its output from a cursor on. */
interface RunUri {
  readonly runId: string;
  readonly part: 'record' | 'output';
  readonly cursor?: string;
}

const RUN_URI = /^agent:\/\/runs\/([A-Za-z0-9_-]{1,64})(\/output(?:\?cursor=([\w-]{1,100}))?)?$/;

/** Reads a uri of ours; undefined for anything else: nothing but a run id and a cursor ever gets through. */
export function parseRunUri(uri: string): RunUri | undefined {
  const [, runId, output, cursor] = RUN_URI.exec(uri) ?? [];
  if (runId === undefined) return undefined;
  return { runId, part: output ? 'output' : 'record', ...(cursor !== undefined && { cursor }) };
}
