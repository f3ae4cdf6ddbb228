import type { Logger } from '../../shared/logger.js';
import { wholeCharacters } from '../../shared/run-store/output.js';
import type { Chunk, Shipped } from '../../shared/run-store/ownership.js';
import { again } from '../again.js';
import { readRewound, writeRewound } from '../spool/rewound.js';
import type { Spool } from '../spool/spool.js';
import { type Follower, followFile } from './follow.js';
import { createLane } from './lane.js';

/** After a pause output is shipped at once; what comes within this time (ms) after it was shipped becomes one entry. */
const GATHER_MS = 20;
/** With what belongs to it in Redis, an entry fills 16 KiB of its memory, and not a part of 20; a round takes several. */
const ENTRY_BYTES = 16 * 1024 - 128;
const ROUND_BYTES = 16 * ENTRY_BYTES;
/** While Redis takes one round, the next is read and sent. */
const ROUNDS_UNDER_WAY = 2;
/** How many rounds of more than one entry are under way at once in this worker: other commands to Redis wait for no more than these. */
const manyEntries = createLane(ROUNDS_UNDER_WAY);
/** How much unshipped output of a program that we end is kept (bytes), so that its end can be reported soon. */
const KEPT_IN_A_HURRY = 16 * 1024 * 1024;

/** Output that was sent; resolves with what the stream says to it, undefined when we have stopped. */
type Round = Promise<(Shipped & { code: number }) | undefined>;

export interface ShipDeps {
  readonly spool: Spool;
  /** How far the stream of the run already is. */
  readonly from: Shipped;
  /** The spool was just made: no program has emptied a file in it yet. */
  readonly isNew?: boolean;
  /** 1: all is in; 0: go on from these offsets; -1: the run is not ours any more. */
  readonly append: (chunks: readonly Chunk[]) => Promise<Shipped & { code: number }>;
  /** What Redis keeps of a run (bytes): of output that it would drop at once, no more is sent than that. */
  readonly mostKept: number;
  readonly onFenced: () => void;
  /** Redis has confirmed this many more bytes. */
  readonly onShipped?: (bytes: number) => void;
  readonly logger: Logger;
}

/** Divides bytes into entries that end with a line or at least a whole character. */
export function intoEntries(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const rest = bytes.subarray(from, from + ENTRY_BYTES);
    const full = rest.length === ENTRY_BYTES && from + ENTRY_BYTES < bytes.length;
    const line = full ? rest.lastIndexOf(0x0a) + 1 : 0;
    const cut = full ? line || wholeCharacters(rest) || rest.length : rest.length;
    entries.push(rest.subarray(0, cut));
    from += cut;
  }
  return entries;
}

/**
 * Ships a spool into the run's stream: each entry carries its byte offset, the stream takes it only when it is the
 * next one, so nothing is lost or doubled whatever happens in between.
 */
export const startShipping = (deps: ShipDeps): Shipping => new Shipping(deps);

export class Shipping {
  readonly #deps: ShipDeps;
  readonly #files: { readonly out: Follower; readonly err: Follower };
  readonly #stopped = new AbortController();
  /** Set while a look at the files is due; takes it back. */
  #cancel: (() => void) | undefined;
  /** What is done with the files is done one after another; resolves with the last of it. */
  #last: Promise<void> = Promise.resolve();
  #lastShippedAt = Number.NEGATIVE_INFINITY;
  #confirmed: Shipped;
  #mostKept: number;

  constructor(deps: ShipDeps) {
    this.#deps = deps;
    this.#mostKept = deps.mostKept;
    this.#confirmed = deps.from;
    this.#files = followOutput(deps);
  }

  /** Output may have come. */
  kick(): void {
    if (this.#cancel || this.#stopped.signal.aborted) return;
    const leftMs = this.#lastShippedAt + GATHER_MS - performance.now();
    const look = () =>
      void this.#enqueue(() => {
        this.#cancel = undefined; // not before: one that waits for its turn sees what comes until then
        return this.#ship(false);
      });
    this.#cancel = leftMs > 0 ? later(look, leftMs) : soon(look);
  }

  /** A caller waits for the end of the run: if very much output is left, only the last part is shipped. */
  hurry(): void {
    this.#mostKept = Math.min(this.#mostKept, KEPT_IN_A_HURRY);
  }

  /** Resolves when everything in the spool is in the stream. */
  drain(): Promise<void> {
    return this.#enqueue(() => this.#again(() => this.#ship(true), 'the spool cannot be read; trying again'));
  }

  /** How much the stream has confirmed (bytes). */
  shipped(): Shipped {
    return this.#confirmed;
  }

  /** Output in the spool that the stream has not confirmed (bytes). */
  behind(): number {
    const { out, err } = this.#files;
    const sent = out.offset - this.#confirmed.out + err.offset - this.#confirmed.err;
    return Math.max(0, sent + out.ahead() + err.ahead());
  }

  /** Goes on from where the stream says that it stands. */
  goOnFrom(there: Shipped): void {
    void this.#enqueue(() => this.#seek(there));
  }

  /** The stream stands here; when that is before what it has confirmed, a Redis that crashed has forgotten the rest. */
  compare(there: Shipped): void {
    const confirmed = this.#confirmed;
    if (there.out >= confirmed.out && there.err >= confirmed.err) return;
    this.#deps.logger.info({ there, confirmed }, 'Redis has less output than it had confirmed; it is sent again');
    this.goOnFrom(there);
    this.kick();
  }

  stop(): void {
    this.#stopped.abort('stopped');
    this.#cancel?.();
    for (const file of Object.values(this.#files)) file.close();
  }

  /** Sends what there is; without `all` the beginning of a character stays until its rest has come. */
  async #ship(all: boolean): Promise<void> {
    const underWay: Round[] = [];
    for (;;) {
      try {
        this.#sendRounds(underWay, all);
      } catch (error) {
        // What is under way counts as read, but not as shipped.
        await this.#goOnAfter(underWay, this.#confirmed);
        throw error;
      }
      const answer = await underWay.shift();
      this.#lastShippedAt = performance.now();
      if (!answer || this.#stopped.signal.aborted) return;
      if (answer.code < 0) return this.#deps.onFenced();
      this.#confirm(answer);
      // It stands elsewhere: so does what was sent after it.
      if (answer.code === 0) await this.#goOnAfter(underWay, answer);
      if (this.#stopped.signal.aborted) return;
    }
  }

  /** Fills the rounds that may be under way at once. Throws what the spool says. */
  #sendRounds(underWay: Round[], all: boolean): void {
    while (underWay.length < ROUNDS_UNDER_WAY) {
      const chunks = this.#nextRound(all);
      if (chunks.length === 0) break;
      // What follows such a round must not overtake it.
      underWay.push(this.#send(chunks, chunks.length > 2 || underWay.length > 0));
    }
  }

  /** Waits for what is under way, and goes on from where the stream stands then, at least from `at`. */
  async #goOnAfter(underWay: Round[], at: Shipped): Promise<void> {
    const rest = await Promise.all(underWay.splice(0));
    if (this.#stopped.signal.aborted) return;
    this.#seek(rest.reduce<Shipped>((far, one) => (one && one.code >= 0 ? furthest(far, one) : far), at));
  }

  #confirm(there: Shipped): void {
    const before = this.#confirmed;
    this.#confirmed = furthest(before, there);
    this.#deps.onShipped?.(this.#confirmed.out - before.out + this.#confirmed.err - before.err);
  }

  #nextRound(all: boolean): Chunk[] {
    const { out, err } = this.#files;
    return [...take('out', out, all, this.#mostKept), ...take('err', err, all, this.#mostKept)];
  }

  #send(chunks: readonly Chunk[], inLane: boolean) {
    const words = 'Redis refused output; it stays in the spool and is sent again';
    const { append } = this.#deps;
    return this.#again(() => (inLane ? manyEntries.through(() => append(chunks)) : append(chunks)), words);
  }

  #again<Value>(action: () => Promise<Value>, words: string): Promise<Value | undefined> {
    return again(action, this.#stopped.signal, (error) => this.#deps.logger.warn({ err: error }, words));
  }

  #seek({ out, err }: Shipped): void {
    this.#files.out.seek(out);
    this.#files.err.seek(err);
    this.#confirmed = { out, err };
  }

  #enqueue(action: () => unknown): Promise<void> {
    this.#last = this.#last
      .then(async () => void (await action()))
      .catch((error: unknown) => this.#deps.logger.error({ err: error }, 'the spool cannot be read'));
    return this.#last;
  }
}

/** In this turn of the event loop, where a timer comes a millisecond later; the answer takes it back. */
function soon(action: () => void): () => void {
  const handle = setImmediate(action);
  return () => clearImmediate(handle);
}

function later(action: () => void, inMs: number): () => void {
  const handle = setTimeout(action, inMs);
  return () => clearTimeout(handle);
}

/** Both files of a program's output, from where the stream is; where a program empties one, that is written down. */
function followOutput({ spool, from, isNew, logger }: ShipDeps) {
  const base = isNew ? { out: 0, err: 0 } : { ...readRewound(spool, from) };
  let isTold = false;
  const follow = (kind: Chunk['kind'], file: string) =>
    followFile(file, { at: from[kind], base: base[kind] }, (rewound) => {
      base[kind] = rewound;
      writeRewound(spool, base);
      if (!isTold) logger.info({ stream: kind, at: rewound }, 'the program has emptied the file of its output');
      isTold = true; // a program may do that all the time
    });
  return { out: follow('out', spool.stdout), err: follow('err', spool.stderr) };
}

const furthest = (one: Shipped, other: Shipped): Shipped => ({
  out: Math.max(one.out, other.out),
  err: Math.max(one.err, other.err),
});

/** The next round of one stream, as if it were sent already: until it is confirmed, `seek` brings it back. */
function take(kind: Chunk['kind'], file: Follower, all: boolean, mostKept: number): Chunk[] {
  let bytes = file.peek(ROUND_BYTES);
  if (file.waiting > mostKept + ROUND_BYTES) {
    file.skip(file.waiting - mostKept);
    file.skip(file.peek(ENTRY_BYTES).indexOf(0x0a) + 1);
    bytes = file.peek(ROUND_BYTES);
  }
  const gone: Chunk[] =
    file.lost > 0 ? [{ kind, offset: file.offset - file.lost, bytes: NOTHING, gone: file.lost }] : [];
  const more = bytes.length === ROUND_BYTES;
  let offset = file.offset;
  const line = more ? bytes.lastIndexOf(0x0a) + 1 : 0; // the rest of a line comes with the next round
  const usable = all && !more ? bytes.length : line || wholeCharacters(bytes);
  const taken = bytes.subarray(0, usable);
  file.advance(taken);
  const entries = intoEntries(taken).map((entry) => {
    const chunk = { kind, offset, bytes: entry };
    offset += entry.length;
    return chunk;
  });
  return [...gone, ...entries];
}

const NOTHING = Buffer.alloc(0);
