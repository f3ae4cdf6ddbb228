import type { IncomingHttpHeaders } from 'node:http';

/** The key of a request, which all of OpenAI's interfaces carry in one way. */
export const bearerOf = ({ authorization }: IncomingHttpHeaders): string | undefined =>
  authorization?.replace(/^Bearer /, '');

const ERRORS = {
  400: ['invalid_request_error', null],
  401: ['invalid_request_error', 'invalid_api_key'],
  429: ['requests', 'rate_limit_exceeded'],
} as const;

/** How all of OpenAI's interfaces refuse. */
export function openAiRefusal(status: number, words: string): unknown {
  const [type, code] = ERRORS[status as keyof typeof ERRORS] ?? ['server_error', null];
  return { error: { message: words, type, param: null, code } };
}
