import { ERRORS, type ErrorBody, type ErrorCode } from '../shared/errors.js';

/** The HTTP status of each error that is an answer of the server itself; those of a tool are in the body of its answer. */
export const STATUSES = {
  unauthorized: 401,
  forbidden: 403,
  issuer_unreachable: 503,
  wrong_host: 403,
  wrong_origin: 403,
  too_many_requests: 429,
  too_many_calls: 429,
  too_many_streams: 429,
  too_many_bytes: 429,
  too_many_values: 413,
  too_many_messages: 413,
  busy: 503,
  stopping: 503,
  method_not_allowed: 405,
  not_found: 404,
  bad_request: 400,
  request_too_slow: 408,
  body_too_slow: 408,
  body_too_large: 413,
  body_broken: 400,
  redis_unreachable: 503,
  redis_refused: 503,
  internal_error: 500,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** An answer that is a refusal: the same body as that of a tool. */
export function refuse(
  code: keyof typeof STATUSES,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return refusal({ code, message, hint: ERRORS[code].hint }, headers);
}

/** As `refuse`, with a body that has a hint of its own. */
export function refusal(body: ErrorBody, headers: Readonly<Record<string, string>> = {}): Response {
  const statuses: Partial<Record<ErrorCode, number>> = STATUSES;
  return new Response(JSON.stringify(body), {
    status: statuses[body.code] ?? STATUSES.internal_error,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}
