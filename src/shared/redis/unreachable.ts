import { ConfigError, UnreachableError } from '../errors.js';
import { isReadOnly, refusalOf } from './refusals.js';

/** What the caller can do when Redis is silent. */
export const UNREACHABLE_HINT =
  'Check that Redis runs and that REDIS_URL is right; nothing is lost, ask again when it is back.';

/** For this long (ms) after a READONLY, an error of the reconnection is reported as the failover that caused it. */
const LATELY_MS = 1_000;
let readOnly: { readonly error: Error; readonly at: number } | undefined;

/** Whether the server has become a replica, as in a failover: the new master is found by connecting anew. */
export function leaveReplica(error: Error): boolean {
  if (!isReadOnly(error)) return false;
  readOnly = { error, at: performance.now() };
  return true;
}

/** What ioredis says when there is no connection, or none any more. */
const LOST = new RegExp(
  [
    '^Command timed out',
    '^Connection is closed\\.',
    "^Stream isn't writeable",
    '^Socket timeout',
    '^Command aborted due to connection close',
    '^All sentinels are unreachable',
    '^Failed to refresh slots cache',
    '^None of startup nodes is available',
    "^Cluster isn't ready",
    '^Cluster is ended',
    '^Connection is aborted',
  ].join('|'),
);

/**
 * The error of ours behind an error of ioredis: unreachable or refused (see `code`), or a ConfigError; undefined when it
 * does not come from Redis.
 */
export function asUnreachable(error: unknown): UnreachableError | ConfigError | undefined {
  if (error instanceof UnreachableError) return error;
  if (!(error instanceof Error) || error instanceof ConfigError) return undefined;
  const lost =
    LOST.test(error.message) ||
    error.name === 'SilentError' ||
    ('code' in error &&
      ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
        String(error.code),
      ) &&
      'syscall' in error &&
      /connect|read|write/.test(String(error.syscall)));
  if (lost && readOnly && performance.now() - readOnly.at < LATELY_MS) return refusalOf(readOnly.error);
  if (lost) return new UnreachableError('Redis is unreachable', UNREACHABLE_HINT, { cause: error });
  return isReply(error) ? refusalOf(error) : undefined;
}

/** Only what Redis, or its client on behalf of it, has said: a run may print the same words. */
const isReply = (error: Error) =>
  error.name === 'ReplyError' ||
  error.name === 'ErrorReply' ||
  'command' in error ||
  /^Too many Cluster/.test(error.message);
