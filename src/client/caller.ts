import type { Pool } from '../shared/pool.js';
import type { Principal } from '../shared/principal.js';
import type { TraceContext } from '../shared/traces/trace-context.js';

/** Who asks, and of which pool. What a principal may not see is not there for it; scopes are checked at the door. */
export interface Caller {
  readonly pool: Pool;
  readonly principal: Principal;
  /** The real path of the directory in which a person has started the client; absent for clients of other machines. */
  readonly directory?: () => Promise<string | undefined>;
  /** Aborted when the caller gives up. Ends the waiting, never a run. */
  readonly signal?: AbortSignal;
  /** Where in a trace it asks; absent where no traces are told, or it names none. */
  readonly trace?: TraceContext;
  /** Of an earlier run that it asks for again, or whose session it goes on with. */
  readonly follows?: TraceContext;
  /** Tells the caller what is waited for; absent when it did not ask. */
  readonly progress?: (message: string) => void;
}
