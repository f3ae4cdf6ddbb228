import { omitUndefined } from '../omit-undefined.js';
import type { Usage } from '../run.js';
import type { UsageEvent } from './event.js';

/**
 * Adds up what a run says on its way that it has spent: steps add up, and what was said of the whole run or session counts
 * more. That of a session may be more than the run's own; its record knows the difference.
 */
export function createSpent() {
  /** By message, since some programs tell of one several times; the others by number. */
  const steps = new Map<string | number, Usage>();
  let whole: Usage | undefined;
  return {
    take({ type: _type, of, messageId, ...usage }: UsageEvent): void {
      if (of === 'step') steps.set(messageId ?? steps.size, usage);
      else whole = usage;
    },
    /** So far; undefined where nothing was told. */
    usage: (): Usage | undefined => whole ?? (steps.size > 0 ? sum([...steps.values()]) : undefined),
  };
}

const MEMBERS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'costUsd'] as const;

function sum(steps: readonly Usage[]): Usage {
  const total = (name: (typeof MEMBERS)[number]) => {
    const told = steps.flatMap((step) => step[name] ?? []);
    return told.length === 0 ? undefined : told.reduce((all, one) => all + one, 0);
  };
  return omitUndefined(Object.fromEntries(MEMBERS.map((name) => [name, total(name)])));
}
