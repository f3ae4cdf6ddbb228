import { bodyOf } from '../shared/errors.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import type { RunRequest } from '../shared/run.js';
import type { Span } from '../shared/traces/traces.js';
import type { Caller } from './caller.js';

/** Of what is placed in a queue: what the worker does with it comes after this span. Absent where nobody wants traces. */
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

/** The code that a caller is told; of a defect, that it is one. */
export const errorTypeOf = (error: unknown): string => bodyOf(asUnreachable(error) ?? error).code;
