import type { MiddlewareHandler } from 'hono';
import type { Logger } from '../shared/logger.js';

/** Refusals of one kind to one principal make one line in this time (ms), so that a flood of requests does not flood the log. */
const ONE_LINE_IN_MS = 10_000;
/** How many kinds are told apart before the count starts again. */
const MOST_KINDS = 10_000;

/** Statuses that are refusals rather than mistakes: not allowed, too many requests, unavailable. */
const REFUSALS = new Set([401, 403, 413, 429, 503]);

/** Logs what the server refuses: to whom, with which status, and how often since the last line. */
export function logRefusals(
  logger: Pick<Logger, 'info'>,
  whoOf: (context: Parameters<MiddlewareHandler>[0]) => string,
  now: () => number = () => performance.now(),
): MiddlewareHandler {
  const told = new Map<string, { at: number; more: number }>();
  return async (context, next) => {
    await next();
    const { status } = context.res;
    if (!REFUSALS.has(status) || context.req.path === '/readyz') return;
    const principal = whoOf(context);
    const key = `${status} ${principal}`;
    const before = told.get(key);
    if (before && now() - before.at < ONE_LINE_IN_MS) {
      before.more += 1;
      return;
    }
    if (told.size >= MOST_KINDS) told.clear();
    told.set(key, { at: now(), more: 0 });
    const times = before && before.more > 0 ? { notTold: before.more } : {};
    logger.info({ principal, status, path: context.req.path, ...times }, 'a request was refused');
  };
}
