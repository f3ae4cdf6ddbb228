import { ERRORS, type ErrorBody, type ErrorCode } from '../shared/errors.js';

/** An answer that is a refusal: the same body as that of a tool. */
export function refuse(
  status: number,
  code: ErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return refusal(status, { code, message, hint: ERRORS[code] }, headers);
}

/** As `refuse`, with a body that has a hint of its own. */
export function refusal(status: number, body: ErrorBody, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}
