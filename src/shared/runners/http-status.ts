import type { FailureKind } from '../run.js';

const KINDS: Readonly<Record<number, FailureKind>> = { 401: 'auth', 403: 'auth', 429: 'rate_limit' };

/** The kind of failure that an HTTP status of a provider stands for, where it says more than that something failed. */
export function kindOfStatus(status: number | undefined): FailureKind | undefined {
  return status === undefined ? undefined : KINDS[status];
}

/** A failure that a CLI has reported, with its kind where the HTTP status of the provider is known. */
export function failureWith(error: string, status: number | undefined) {
  const kind = kindOfStatus(status);
  return { error, ...(kind && { errorKind: kind }) };
}

/** The HTTP status that an error message names in the one group of a pattern. */
export function statusIn(message: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(message)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
