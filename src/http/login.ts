import { randomBytes } from 'node:crypto';

/** An unused session ends after this time (ms). */
const KEPT_MS = 24 * 60 * 60 * 1_000;
/** A session gets another value this often (ms), so that one that leaked is soon of no use. */
const ROTATE_AFTER_MS = 10 * 60 * 1_000;
/** Requests that were on their way meanwhile may still come with the value before (ms). */
const GRACE_MS = 60 * 1_000;
/** More than a person has browsers; the oldest go first. */
const MOST_SESSIONS = 1_000;

interface Session {
  value: string;
  since: number;
  previous?: string;
  usedAt: number;
}

/** What gives access as LOCAL: its holder can read the files of our user. */
export interface LocalAccess {
  /** The token as it is now. */
  token(): string;
  /** Uses up the code of a link; false when it is unknown or used up. */
  takeLink(code: string): boolean;
}

/** How a browser gets in without the token: by a link that works once, then by a session. In this process only. */
export function openLogin({ token, takeLink }: LocalAccess, now: () => number = Date.now) {
  const sessions = new Map<string, Session>();
  let madeFor = token();

  const secret = () => randomBytes(32).toString('base64url');
  const end = ({ value, previous }: Session) => {
    sessions.delete(value);
    if (previous !== undefined) sessions.delete(previous);
  };
  /** Another token ends everything that the one before has let in. */
  const checkToken = () => {
    if (token() === madeFor) return;
    madeFor = token();
    sessions.clear();
  };

  return {
    /** The value of a new session; undefined when the code is not known, or not any more. */
    enter(code: string): string | undefined {
      checkToken();
      if (!takeLink(code)) return undefined;
      for (const oldest of sessions.keys()) {
        if (sessions.size < MOST_SESSIONS) break;
        sessions.delete(oldest);
      }
      const value = secret();
      sessions.set(value, { value, since: now(), usedAt: now() });
      return value;
    },
    /** Whether a value is that of a session; `renewed` is the value that the browser has to bring from now on. */
    check(value: string): { known: boolean; renewed?: string } {
      checkToken();
      const session = sessions.get(value);
      if (!session) return { known: false };
      const age = now() - session.since;
      // The value before, after its time: two have it, and only one of them is the browser that we let in.
      if (now() - session.usedAt > KEPT_MS || (value !== session.value && age > GRACE_MS)) {
        end(session);
        return { known: false };
      }
      session.usedAt = now();
      if (value !== session.value || age < ROTATE_AFTER_MS) return { known: true };
      if (session.previous !== undefined) sessions.delete(session.previous);
      session.previous = value;
      session.value = secret();
      session.since = now();
      sessions.set(session.value, session);
      return { known: true, renewed: session.value };
    },
  };
}
export type Login = ReturnType<typeof openLogin>;
