import type { ErrorCode } from '../shared/errors.js';

/** The calls that are being answered, so that what waits in them can be ended together. */
export function createOpenCalls() {
  const open = new Set<AbortController>();
  const refused = new Map<ErrorCode, number>();
  return {
    count: () => open.size,
    /** How many were answered with an error so far, by its code. */
    refused: (): ReadonlyMap<ErrorCode, number> => refused,
    noteRefused: (code: ErrorCode): void => void refused.set(code, (refused.get(code) ?? 0) + 1),
    /** Carries out a call; its signal is that of the client, and that of `endWaits`. */
    async during<Value>(given: AbortSignal, call: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
      const enough = new AbortController();
      const give = () => enough.abort();
      if (given.aborted) give();
      given.addEventListener('abort', give);
      open.add(enough);
      try {
        return await call(enough.signal);
      } finally {
        open.delete(enough);
        given.removeEventListener('abort', give);
      }
    },
    endWaits(): void {
      for (const enough of open) enough.abort();
    },
  };
}
export type OpenCalls = ReturnType<typeof createOpenCalls>;
