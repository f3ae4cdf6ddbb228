import { bodyOf } from '../shared/errors.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { RunRequest } from '../shared/run.js';
import type { Span } from '../shared/traces/traces.js';
import type { Caller } from './caller.js';

/** Begins the span of a submission; the worker's spans follow it. Absent without traces. */
export function beginSending(
  { pool, trace, follows }: Caller,
  { queue, request }: { readonly queue: string; readonly request: RunRequest },
): Span | undefined {
  return pool.traces?.begin(`send ${queue}`, {
    kind: 'producer',
    parent: trace,
    links: follows ? [follows] : [],
    facts: {
      'messaging.system': 'bullmq',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': queue,
      'agentpool.runner': request.runner,
    },
  });
}

/** The error code that a caller gets; for a defect, `internal_error`. */
export const errorTypeOf = (error: unknown): string => bodyOf(asUnreachable(error) ?? error).code;
