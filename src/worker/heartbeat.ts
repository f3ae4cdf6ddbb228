import { allowedDirectories, placeOf } from '../shared/allowed-directories.js';
import type { Config } from '../shared/config/load.js';
import type { Logger } from '../shared/logger.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { VERSION } from '../shared/version.js';
import type { OfferedRunner, SpoolRoom, WorkerReport, Workers } from '../shared/workers/workers.js';
import type { Cordon } from './claim/cordon.js';
import type { Slots } from './claim/slots.js';
import { every } from './every.js';
import type { HostHealth } from './host/health.js';
import { withRealPaths } from './prepare/allowed-path.js';
import { identify } from './process/processes.js';
import type { Contact } from './recover/contact.js';

/** So soon after a change it is told (ms); several within the second time make one more heartbeat. */
const BEAT_SOON_MS = 10;
const BEATS_APART_MS = 100;
/** How many runs there are is told in this time (ms), as long as there is room for more, or was none before. */
const COUNT_WITHIN_MS = 1_000;

export interface HeartbeatDeps {
  readonly workers: Pick<Workers, 'beat'>;
  /** What never changes. */
  readonly report: Pick<WorkerReport, 'id' | 'host' | 'machine' | 'startedAt' | 'labels' | 'limits'>;
  readonly config: Pick<Config, 'heartbeatMs' | 'allowedPaths' | 'home'>;
  readonly offers: () => readonly OfferedRunner[];
  readonly slots: Pick<Slots, 'used' | 'capacity'>;
  readonly health: Pick<HostHealth, 'problem' | 'onChange'>;
  readonly cordon: Pick<Cordon, 'isOn' | 'onChange' | 'told'>;
  /** The room for spools, as it is known. */
  readonly room: () => SpoolRoom | undefined;
  readonly contact: Pick<Contact, 'heard'>;
  /** Looks at what others ask of the runs of this worker, after each heartbeat. */
  readonly reconcile: () => Promise<void>;
  readonly logger: Logger;
}

/** What is free changes all the time: a hundredth of it more or less is not worth telling the whole report again. */
function roughly(room: SpoolRoom | undefined): SpoolRoom | undefined {
  return room && { ...room, freeBytes: Number(room.freeBytes.toPrecision(2)) };
}

/** When the next heartbeat between the regular ones is due; all that is to be told by then goes with it. */
function createDue(onDue: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let at = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  const stop = () => {
    clearTimeout(timer);
    at = Number.POSITIVE_INFINITY;
  };
  return {
    within(ms: number): void {
      const wanted = Math.max(performance.now() + ms, lastAt + BEATS_APART_MS);
      if (at <= wanted) return;
      clearTimeout(timer);
      at = wanted;
      timer = setTimeout(() => {
        at = Number.POSITIVE_INFINITY;
        onDue();
      }, wanted - performance.now());
    },
    /** A heartbeat tells everything now. */
    begun(): void {
      stop();
      lastAt = performance.now();
    },
    stop,
  };
}

/** Begins with the first one after the time between two. */
export const startHeartbeat = (deps: HeartbeatDeps): Heartbeat => new Heartbeat(deps);

/** Tells the register who this worker is and what it can take, in its own time and soon after a change. */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  readonly #processStart = identify(process.pid)?.start ?? ''; // once: a worker without descriptors has heartbeats, too
  readonly #place: string;
  readonly #due = createDue(() => {
    if (this.#phase === 'ready') this.beat().catch(() => {});
  });
  readonly #loop: ReturnType<typeof every>;
  readonly #unsubscribe: () => void;
  #phase: WorkerReport['phase'] = 'ready';
  #reloads = 0;
  /** There was no room for another run, as was told last. */
  #toldFull = false;
  #takenAt = performance.now();

  constructor(deps: HeartbeatDeps) {
    const { config, health, cordon, logger } = deps;
    const soon = () => this.soon();
    this.#deps = deps;
    this.#place = placeOf(config.home);
    this.#unsubscribe = health.onChange(soon);
    cordon.onChange(soon); // whoever drains waits for it
    this.#loop = every(config.heartbeatMs, () => this.#beatAndReconcile(), { failed: 'a heartbeat failed', logger });
  }

  async beat(): Promise<void> {
    const { workers, contact, cordon } = this.#deps;
    this.#due.begun();
    const cordoned = await workers.beat(this.#report());
    contact.heard();
    this.#takenAt = performance.now();
    cordon.told(cordoned);
  }

  soon(): void {
    this.#due.within(BEAT_SOON_MS);
  }

  /**
   * A slot was taken or released. Who submits a run looks at the heartbeats for a free worker, so whether there is room
   * must not lag behind by seconds; the number matters less.
   */
  slotsChanged(): void {
    const { slots, offers } = this.#deps;
    const isFull = slots.used() >= slots.capacity(offers().map(({ name }) => name));
    this.#due.within(isFull === this.#toldFull ? COUNT_WITHIN_MS : BEAT_SOON_MS);
  }

  phase(): WorkerReport['phase'] {
    return this.#phase;
  }

  /** Since Redis has taken the last one (ms). */
  silentMs(): number {
    return performance.now() - this.#takenAt;
  }

  /** A new look at this host was requested, and done. */
  reloaded(): void {
    this.#reloads += 1;
    this.soon();
  }

  /** `stopping`, or `left`; told at once. */
  async enter(next: WorkerReport['phase']): Promise<void> {
    this.#phase = next;
    await this.beat();
  }

  async stop(): Promise<void> {
    this.#due.stop();
    this.#unsubscribe();
    await this.#loop.stop();
  }

  /** What it tells now. */
  #report(): WorkerReport {
    const { report, config, offers, slots, health, cordon, room } = this.#deps;
    const runners = offers();
    const [capacity, running] = [slots.capacity(runners.map(({ name }) => name)), slots.used()];
    this.#toldFull = running >= capacity;
    return {
      ...report,
      pid: process.pid,
      processStart: this.#processStart,
      version: VERSION,
      runners,
      capacity,
      running,
      allowedPaths: withRealPaths([...config.allowedPaths, ...allowedDirectories(config.home)]),
      settingPaths: withRealPaths(config.allowedPaths),
      place: this.#place,
      phase: this.#phase,
      reloads: this.#reloads,
      ...omitUndefined({ spool: roughly(room()) }),
      ...(health.problem && { problem: health.problem }),
      ...(cordon.isOn() && { heedsCordon: true }),
    };
  }

  async #beatAndReconcile(): Promise<void> {
    await this.beat();
    await this.#deps.reconcile();
  }
}
