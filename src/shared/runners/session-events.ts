import { omitUndefined } from '../omit-undefined.js';
import type { FailureKind, Usage } from '../run.js';
import type { AgentEvent, UsageEvent } from '../transcript/event.js';

/** A session has begun or goes on: with which model, by which version of the program. */
export function sessionStarted(about: {
  sessionId?: string | undefined;
  model?: string | undefined;
  version?: string | undefined;
}): AgentEvent[] {
  const { sessionId, model, version } = about;
  const message = ['session started', model, version].filter(Boolean).join(', ');
  return [{ type: 'status', message, ...omitUndefined({ sessionId, model }) }];
}

/** A failure that a CLI has reported; undefined where it reported no failure. */
export function failureEvents(failure: { error: string; errorKind?: FailureKind } | undefined): AgentEvent[] {
  if (!failure) return [];
  const { error: message, errorKind: kind } = failure;
  return [{ type: 'error', message, ...omitUndefined({ kind }) }];
}

/** What a terminal event tells: what was spent, and why the run failed, if it did. */
export function endEvents(
  of: UsageEvent['of'],
  usage: Usage,
  failure: Parameters<typeof failureEvents>[0],
): AgentEvent[] {
  const spent = Object.keys(usage).length > 0;
  return [...(spent ? [{ type: 'usage' as const, of, ...usage }] : []), ...failureEvents(failure)];
}
