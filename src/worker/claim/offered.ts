import type { Claimer } from '../../shared/queues/leases.js';
import type { Queues } from '../../shared/queues/queues.js';
import { hostQueue, partsOf, runnerQueue, serves } from '../../shared/queues/route.js';
import type { Told } from '../../shared/queues/told.js';
import type { PoolLimits } from './pool-limits.js';
import type { Spread } from './spread.js';
import type { TakerDeps } from './taking.js';

export interface OfferedDeps extends Pick<TakerDeps, 'host' | 'labels' | 'runners'> {
  readonly queues: Pick<Queues, 'announce' | 'claimer' | 'onPlaced' | 'requiring'>;
  /** This worker. */
  readonly id: string;
  readonly limits: Pick<PoolLimits, 'roomAgain'>;
  readonly spread: Pick<Spread, 'delayMs'>;
  /** A queue has become due, or there may be another queue to listen to. */
  readonly onPlaced: () => void;
}

/**
 * The queues of this host and of the runners that it has by now, with those whose runs require no more than it has, and which
 * of them may have a job.
 */
export class Offered {
  readonly #deps: OfferedDeps;
  readonly #claimers = new Map<string, Claimer>();
  /** What ends the listening to each. */
  readonly #listening = new Map<string, () => void>();
  readonly #leftToOthers = new Set<string>();
  /** Queues of runs that require something; they come and go. */
  #requiring: readonly string[] = [];
  /** There may be more of those than are known. */
  #hasMore = true;
  /** Those that may have a job. */
  readonly due = new Set<string>();

  constructor(deps: OfferedDeps) {
    this.#deps = deps;
  }

  get claimers(): ReadonlyMap<string, Claimer> {
    return this.#claimers;
  }

  /**
   * Listens to what there is. Queues with requirements are asked for when one is new, and where `anyRequires` says that there
   * are some, or none any more.
   */
  async follow(anyRequires?: boolean): Promise<void> {
    const { host, labels, runners } = this.#deps;
    if (this.#hasMore || anyRequires || (anyRequires === false && this.#requiring.length > 0)) await this.#look();
    const offered = runners();
    const able = this.#requiring.filter((queue) => serves({ host, labels, runners: offered }, queue));
    const wanted = [hostQueue(host), ...offered.map((runner) => runnerQueue(runner)), ...able];
    for (const queue of this.#claimers.keys()) if (!wanted.includes(queue)) await this.#leave(queue);
    for (const queue of wanted) if (!this.#claimers.has(queue)) await this.#listenTo(queue);
  }

  /** A queue may have a job; it is asked at once, or left to others first. */
  placed(queue: string): void {
    const delayMs = this.#deps.spread.delayMs(queue);
    if (delayMs === 0) this.#ask(queue);
    else if (!this.#leftToOthers.has(queue)) {
      this.#leftToOthers.add(queue);
      setTimeout(() => {
        this.#leftToOthers.delete(queue);
        if (this.#listening.has(queue)) this.#ask(queue);
      }, delayMs);
    }
  }

  async leaveAll(): Promise<void> {
    await Promise.all([...this.#claimers.keys()].map((queue) => this.#leave(queue)));
  }

  async #look(): Promise<void> {
    this.#hasMore = false; // not after the answer: what is told meanwhile counts
    const found = await this.#deps.queues.requiring().catch((error: unknown) => {
      this.#hasMore = true;
      throw error;
    });
    this.#requiring = found.sort();
  }

  #ask(queue: string): void {
    this.due.add(queue);
    this.#deps.onPlaced();
  }

  async #listenTo(queue: string): Promise<void> {
    const { queues, id } = this.#deps;
    if (!this.#requiring.includes(queue)) await queues.announce(queue);
    const { runner } = partsOf(queue);
    const onQueue = () => this.placed(queue);
    const onTold = (what: Told) => this.#told(what, runner);
    this.#listening.set(queue, await queues.onPlaced(queue, onQueue, onTold));
    this.#claimers.set(queue, queues.claimer(queue, id));
    this.due.add(queue); // something may have been waiting there for long
  }

  async #leave(queue: string): Promise<void> {
    this.#listening.get(queue)?.();
    this.#listening.delete(queue);
    this.due.delete(queue);
    const claimer = this.#claimers.get(queue);
    this.#claimers.delete(queue);
    await claimer?.stop();
  }

  /** What is told besides to who listens to a queue. */
  #told(what: Told, runner: string | undefined): void {
    if (what !== 'room') {
      this.#hasMore = true;
      this.#deps.onPlaced();
    } else if (runner !== undefined) this.#deps.limits.roomAgain(runner);
  }
}
