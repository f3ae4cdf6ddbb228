import type { Lease } from '../../shared/queues/leases.js';
import type { Run } from '../../shared/run.js';
import type { Ownership } from '../../shared/run-store/ownership.js';
import type { Slots } from '../claim/slots.js';
import type { Supervision } from './supervise.js';

/** What a worker does with a run that it owns, in the order of its life. */
export type Phase = 'claiming' | 'preparing' | 'starting' | 'supervising' | 'giving-back';

/**
 * A run that this worker owns, or is about to: its slot, its job's lease, its epoch and who watches it. Whoever works
 * for the run works through this, and after `letGo` nobody does.
 */
export interface OwnedRun extends Ownership {
  readonly runner: string;
  readonly queue: string;
  /** When we set out to own it (`performance.now()`). */
  readonly obtainedAt: number;
  /** The job of the run, if we hold it; prolonged until the run is let go. */
  lease: Lease | undefined;
  /** Of the claim or take-over that made it ours; a writer with an older one is refused. */
  epoch: number;
  /** When we sent what Redis has taken last from us as the owner (`performance.now()`). */
  confirmedAt: number;
  /** A request came while its program was not watched yet: its record has to be read again. */
  wasAsked: boolean;
  readonly phase: Phase;
  /** Watches the program, once there is one. */
  readonly supervision: Supervision | undefined;
  /** Aborted when the run is let go. */
  readonly gone: AbortSignal;
  /** Resolves when its program is watched, or the run is let go. */
  readonly placed: Promise<void>;
  /** Resolves when the run is let go. */
  readonly over: Promise<void>;
  enter(phase: Exclude<Phase, 'supervising'>): void;
  watchedBy(supervision: Supervision): void;
  /** Gives slot and lease up and ends all work for the run here; its program goes on. Legal twice. */
  letGo(): void;
}

/** All runs that this worker owns, by id. The only place where a slot is taken or released. */
export interface OwnedRuns {
  /** The handle of a run, with a slot for it; undefined when it is owned here already. */
  obtain(run: Pick<Run, 'id' | 'runner' | 'queue' | 'epoch'>, lease: Lease | undefined): OwnedRun | undefined;
  get(runId: string): OwnedRun | undefined;
  has(runId: string): boolean;
  /** Whether its program is just being started. */
  isStarting(runId: string): boolean;
  all(): readonly OwnedRun[];
  /** What watches their programs, of those that have one. */
  supervised(): ReadonlyMap<string, Supervision>;
  /** The jobs of these runs, to be prolonged. */
  leases(): readonly Lease[];
}

/** `onRoom` is called when a run was let go. Adopted runs take slots even when none is free: their programs run anyway. */
export function createOwnedRuns(
  slots: Pick<Slots, 'take' | 'release'>,
  onRoom: (run: Pick<Run, 'id' | 'runner'>) => void,
): OwnedRuns {
  const runs = new Map<string, OwnedRun>();
  return {
    obtain(run, lease) {
      if (runs.has(run.id)) return undefined;
      const owned = handleOf(run, lease, () => {
        runs.delete(run.id);
        slots.release(run.runner);
        onRoom(run);
      });
      runs.set(run.id, owned);
      slots.take(run.runner);
      return owned;
    },
    get: (runId) => runs.get(runId),
    has: (runId) => runs.has(runId),
    isStarting: (runId) => ['preparing', 'starting'].includes(runs.get(runId)?.phase ?? ''),
    all: () => [...runs.values()],
    supervised: () =>
      new Map([...runs.values()].flatMap(({ id, supervision }) => (supervision ? [[id, supervision] as const] : []))),
    leases: () => [...runs.values()].flatMap(({ lease }) => lease ?? []),
  };
}

function handleOf(
  { id, runner, queue, epoch }: Pick<Run, 'id' | 'runner' | 'queue' | 'epoch'>,
  lease: Lease | undefined,
  onGone: () => void,
): OwnedRun {
  const gone = new AbortController();
  let phase: Phase = 'claiming';
  let supervision: Supervision | undefined;
  const { promise: placed, resolve: isPlaced } = deferred();
  const { promise: over, resolve: isOver } = deferred();
  return {
    id,
    runner,
    queue,
    obtainedAt: performance.now(),
    lease,
    epoch,
    confirmedAt: Number.NEGATIVE_INFINITY,
    wasAsked: false,
    gone: gone.signal,
    placed,
    over,
    get phase() {
      return phase;
    },
    get supervision() {
      return supervision;
    },
    enter(next) {
      phase = next;
      supervision = undefined;
    },
    watchedBy(watching) {
      phase = 'supervising';
      supervision = watching;
      isPlaced();
    },
    letGo() {
      if (gone.signal.aborted) return;
      gone.abort('let go');
      supervision?.detach();
      onGone();
      isPlaced();
      isOver();
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
