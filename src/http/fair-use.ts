import type { Config } from '../shared/config/load.js';
import { refuse } from './refuse.js';
import { openShares } from './shares.js';

/** Calls at once of all principals together, for which memory is meant; each holds about 50 KiB. */
const MOST_OPEN_CALLS = 2_000;
/** How many principals' worth of bodies all principals together may hold. */
const BODY_SHARES = 4;

/** What one request holds until it is answered. */
export interface Holding {
  /** Takes bytes of a body into memory; false when that is too much. */
  mayHold(bytes: number): boolean;
  /** Whether this request may stay as a stream of news. */
  mayListen(): boolean;
  /** Gives all of it back. */
  all(): void;
}

type Limits = Pick<Config, 'maxOpenCalls' | 'maxListenStreams' | 'maxBodyBytes'>;

/** How much of this server each principal holds at once: calls, streams, and bytes of bodies. */
export function openFairUse({ maxOpenCalls, maxListenStreams, maxBodyBytes }: Limits) {
  const calls = openShares(maxOpenCalls, MOST_OPEN_CALLS);
  const streams = openShares(maxListenStreams);
  const bodies = openShares(maxBodyBytes, BODY_SHARES * maxBodyBytes);
  return {
    /** Begins a request of a principal; or the refusal. */
    open(name: string): Holding | Response {
      if (!calls.take(name)) {
        const retry = { 'retry-after': '1' };
        return calls.held(name) >= maxOpenCalls
          ? refuse('too_many_calls', `${maxOpenCalls} calls are open; see AGENTPOOL_MAX_OPEN_CALLS`, retry)
          : refuse('busy', `${MOST_OPEN_CALLS} calls are open`, retry);
      }
      let bytes = 0;
      let listens = false;
      let isOpen = true;
      return {
        mayHold(more) {
          if (!isOpen || !bodies.take(name, more)) return false;
          bytes += more;
          return true;
        },
        mayListen() {
          listens = isOpen && streams.take(name);
          return listens;
        },
        all() {
          if (!isOpen) return;
          isOpen = false;
          calls.giveBack(name);
          bodies.giveBack(name, bytes);
          if (listens) streams.giveBack(name);
        },
      };
    },
  };
}

/** Whether a body asks for a stream of news. */
export const isListening = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'method' in body && body.method === 'subscriptions/listen';
