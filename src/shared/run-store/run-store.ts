import type { Credentials, Failure, KillRequest, LaunchFacts, ProviderLimit, Run, RunRequest } from '../run.js';
import type { Stored } from '../stored-form.js';
import type { AlongWith } from './create.js';
import type { Held } from './held-runs.js';
import type { ListPosition } from './index-pages.js';
import type { Indexes, RunFilter } from './indexes.js';
import type { RunSummary } from './list.js';
import type { StreamName } from './output.js';
import type {
  Appended,
  Change,
  ChangeWithRecord,
  Chunk,
  EndChange,
  Ending,
  KillRecorded,
  Ownership,
  Requeued,
  Shipped,
} from './ownership.js';
import type { OutputPage, OutputQuery } from './read-output.js';
import type { SessionListener, SessionUser } from './session-locks.js';
import type { Sessions } from './sessions.js';
import type { Statistics } from './statistics.js';
import type { WaitOptions } from './wait.js';

/** The only gateway to runs in Redis. Every method may throw when Redis is unreachable. */
export interface RunStore {
  /** The time of Redis (ms since the epoch): the one clock of a pool. */
  now(): Promise<number>;
  /** Who these runs belong to: a name that was made with the first run store of this Redis and prefix, and stays. */
  poolId(): Promise<string>;

  /** The time (ms) for a run that is queued now: that of Redis, and after all runs there are. */
  nextTime(): Promise<number>;
  /** Writes a queued run, unless there is one with this id already; answers the one that there is then. */
  create(id: string, queue: string, request: RunRequest, along?: AlongWith): Promise<Run>;
  /** The run id that a principal's client token stands for: the given one, or the one that an earlier call chose. */
  idForToken(principal: string, token: string, id: string): Promise<string>;
  /**
   * Resolves once neither a crash of Redis nor a failover undoes what was written about a run so far. Throws a
   * RedisRefusedError when replicas do not confirm it, or one that knows nothing of the run has become the master.
   */
  settled(id: string): Promise<void>;
  /** See `Settling.interruptions`. */
  interruptions(): number;
  /** See `Settling.keep`. */
  keep<Answer>(action: () => Promise<Answer>): Promise<Answer>;

  get(id: string): Promise<Run | undefined>;
  /** What was asked for, if we can read it; undefined once the run's output was let go. */
  request(id: string): Promise<Stored<RunRequest> | undefined>;
  /** The first lines of prompts, cut; undefined where the prompt is not kept any more. */
  promptLines(ids: readonly string[]): Promise<(string | undefined)[]>;
  result(id: string): Promise<string | undefined>;
  /** Runs that match, newest first. */
  list(filter: RunFilter, limit: number, after?: ListPosition): Promise<Run[]>;
  /** What statistics need to know of the newest runs that match and were queued at or after a time (ms). */
  summaries(filter: RunFilter, limit: number, since?: number): Promise<RunSummary[]>;
  /** Counts and durations by runner and state of all runs that match and were queued at or after a time (ms). */
  statistics(filter: RunFilter, since?: number): Promise<Statistics[]>;
  /** The latest run of an agent name, with a runner or of a principal if given. */
  latest(agentName: string, others?: Pick<RunFilter, 'runner' | 'principal'>): Promise<Run | undefined>;

  /** What a principal has queued and running. */
  heldBy(principal: string): Promise<Held>;
  /** How many runs of a principal are running; cheaper than all that it has. */
  runningOf(principal: string): Promise<number>;

  output(id: string, query: OutputQuery): Promise<OutputPage>;
  /** The last bytes of output, and of these the last lines, cut at the beginning of a character and, where it can, of a line. */
  tail(id: string, bytes: number, stream: StreamName | undefined, lines?: number): Promise<OutputPage>;
  /** The Redis time (ms) of the first output that is still kept; undefined when nothing is kept. */
  firstKeptAt(id: string): Promise<number | undefined>;

  /** Calls back at each change and each new output of a run, and after a reconnect; the message says what it was. */
  onNotification(id: string, onNotification: (message: string) => void): Promise<() => void>;
  /** Waits for a fact about a run, without polling; see `waitForRun`. */
  wait(id: string, until: (run: Run) => boolean, options: WaitOptions): Promise<Run | undefined>;

  /** queued → running: exactly one worker gets it, with a new epoch. */
  claim(id: string, worker: string, host: string): Promise<Change>;
  /** Records why a queued run is not started yet; until it is claimed or given back. */
  tellWaiting(id: string, reason: string): Promise<Change>;
  /** Another owner for a run that is running or orphaned, if it is still owned as `from` says. */
  takeOver(from: Ownership, worker: string, host: string): Promise<Change>;
  /**
   * running or orphaned → queued, by the owner on a host that could not give the prompt to a program. `mostErrors`: it
   * counts as an unexpected error, of which a run may have so many.
   */
  requeue(of: Ownership, host: string, mostErrors?: number): Promise<Requeued>;
  /**
   * Records that the program of an attempt (from 1) is about to be started; `notLaunched` and `requeue`, whose callers know
   * that it was not, take that back. Resolves and throws as `settled` does, with what the record said when it was changed.
   */
  launching(of: Ownership, attempt: number, facts: LaunchFacts): Promise<ChangeWithRecord>;
  /** Records that no program of the run was started, though one was about to be: its spool is not needed any more. */
  notLaunched(of: Ownership): Promise<Change>;
  /** Records that the program runs; `isFirst` false: it is a further try, and began with the first. */
  started(of: Ownership, pid: number, path: string, isFirst?: boolean): Promise<Change>;
  /** Records that the provider refused, and that the next values are tried. */
  triesAgain(of: Ownership, credentials: Credentials, because: Failure): Promise<Change>;
  /** Records that the provider does not answer its program for now; without a limit: that it does again. */
  limited(of: Ownership, limit: ProviderLimit | undefined): Promise<Change>;
  /** Records the session of a run the moment it is known. */
  sessionKnown(of: Ownership, sessionId: string): Promise<Change>;
  /** running → orphaned: the owner is silent. */
  orphan(of: Ownership): Promise<Change>;
  /** orphaned → running: the owner was only silent. */
  comeBack(of: Ownership): Promise<Change>;
  /**
   * Records the result of a run whose program has told it and lives on, so that it is there whatever becomes of its worker.
   * Answers whether the run is still the owner's.
   */
  keepResult(of: Ownership, text: string): Promise<boolean>;
  /** Appends output. Appending the same again changes nothing. */
  append(of: Ownership, chunks: readonly Chunk[]): Promise<Appended>;
  /** Records that a kill was asked for. */
  requestKill(id: string, request: Omit<KillRequest, 'requestedAt'>): Promise<KillRecorded>;
  /**
   * Ends a run; the first end wins, and the answer says whether this was it. `epoch` undefined: no worker owns it.
   * `shipped`: it ends only when its stream has exactly so much.
   */
  end(id: string, epoch: number | undefined, ending: Ending, shipped?: Shipped): Promise<EndChange>;

  /** Waits for the session that the run resumes. Answers the run that holds it; undefined: this one does. */
  lockSession(run: SessionUser): Promise<string | undefined>;
  /** The run that a queued one waits for, because it holds its session; undefined when the session is free. */
  sessionHolder(run: SessionUser & Pick<Run, 'state'>): Promise<string | undefined>;
  /** A running program has reported which session it uses: from now on it holds it, even if other runs wait for it. */
  holdSession(runner: string, sessionId: string, id: string): Promise<void>;
  /** Leaves every session lock; the end of a run does so by itself. */
  releaseSessions(run: SessionUser): Promise<void>;
  /** Calls back with the queued run that holds a session from now on. The caller that frees a session waits for the listeners. */
  onSessionFree(listener: SessionListener): void;

  /**
   * Lets go of the output and the prompts of the runs that ended first, until those of all ended runs have no more than
   * so many bytes. Answers of how many runs.
   */
  letGoOverCap(mostBytes: number): Promise<number>;

  /** Puts a run into the indexes that its record says; used by the sweep after a crash in between. */
  reindex(id: string): Promise<void>;
  /** See `putIndexesRight`; used by the sweep. */
  putIndexesRight(): Promise<void>;
  readonly indexes: Indexes;
  readonly sessions: Sessions;
}
