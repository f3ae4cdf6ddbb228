import type { Logger } from '../../shared/logger.js';
import { wholeCharacters } from '../../shared/run-store/output.js';
import type { Chunk, Shipped } from '../../shared/run-store/ownership.js';
import { again } from '../again.js';
import type { Spool } from '../spool/spool.js';
import { type Follower, followFile } from './follow.js';

/** Output that comes within this time (ms) becomes one entry. */
const GATHER_MS = 20;
/** Entries of 4 to 16 KiB carry the least overhead in Redis; a round takes several of each stream. */
const ENTRY_BYTES = 16 * 1024;
const ROUND_BYTES = 8 * ENTRY_BYTES;

export interface ShipDeps {
  readonly spool: Spool;
  /** How far the stream of the run already is. */
  readonly from: Shipped;
  /** 1: all is in; 0: go on from these offsets; -1: the run is not ours any more. */
  readonly append: (chunks: readonly Chunk[]) => Promise<Shipped & { code: number }>;
  readonly onFenced: () => void;
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
export function startShipping({ spool, from, append, onFenced, logger }: ShipDeps) {
  const files = { out: followFile(spool.stdout, from.out), err: followFile(spool.stderr, from.err) };
  const stopped = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();

  /** Sends what there is; without `all` the beginning of a character stays until its rest has come. */
  async function ship(all: boolean): Promise<void> {
    while (!stopped.signal.aborted) {
      const chunks = [...take('out', files.out, all), ...take('err', files.err, all)];
      if (chunks.length === 0) return;
      const answer = await again(
        () => append(chunks),
        stopped.signal,
        (error) => logger.warn({ err: error }, 'Redis refused output; it stays in the spool and is sent again'),
      );
      if (!answer) return;
      if (answer.code < 0) return onFenced();
      seek(answer);
    }
  }

  const seek = ({ out, err }: Shipped) => {
    files.out.seek(out);
    files.err.seek(err);
  };
  const enqueue = (action: () => unknown) => {
    last = last
      .then(async () => void (await action()))
      .catch((error: unknown) => logger.error({ err: error }, 'the spool cannot be read'));
    return last;
  };
  const kick = () => {
    if (timer || stopped.signal.aborted) return;
    timer = setTimeout(() => {
      timer = undefined;
      void enqueue(() => ship(false));
    }, GATHER_MS);
  };
  const shipped = (): Shipped => ({ out: files.out.offset, err: files.err.offset });
  const goOnFrom = (from: Shipped) => void enqueue(() => seek(from));

  return {
    /** Output may have come. */
    kick,
    /** Resolves when everything in the spool is in the stream. */
    drain: () =>
      enqueue(() =>
        again(
          () => ship(true),
          stopped.signal,
          (error) => logger.warn({ err: error }, 'the spool cannot be read; trying again'),
        ),
      ),
    /** How much the stream has confirmed (bytes). */
    shipped,
    /** Goes on from where the stream says that it stands. */
    goOnFrom,
    /** The stream stands here; when that is before what it has confirmed, a Redis that crashed has forgotten the rest. */
    compare(there: Shipped): void {
      const { out, err } = shipped();
      if (there.out >= out && there.err >= err) return;
      logger.info({ there, confirmed: { out, err } }, 'Redis has less output than it had confirmed; it is sent again');
      goOnFrom(there);
      kick();
    },
    stop(): void {
      stopped.abort();
      clearTimeout(timer);
      for (const file of Object.values(files)) file.close();
    },
  };
}
export type Shipping = ReturnType<typeof startShipping>;

function take(kind: Chunk['kind'], file: Follower, all: boolean): Chunk[] {
  const bytes = file.peek(ROUND_BYTES);
  const more = bytes.length === ROUND_BYTES;
  let offset = file.offset;
  const line = more ? bytes.lastIndexOf(0x0a) + 1 : 0; // the rest of a line comes with the next round
  const usable = all && !more ? bytes.length : line || wholeCharacters(bytes);
  return intoEntries(bytes.subarray(0, usable)).map((entry) => {
    const chunk = { kind, offset, bytes: entry };
    offset += entry.length;
    return chunk;
  });
}
