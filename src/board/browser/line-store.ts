/** What the server says of a line. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly stream: 'stdout' | 'stderr';
  readonly at: number;
  readonly text: string;
  readonly cut?: true;
}
interface Lines {
  readonly lines: readonly Line[];
  readonly total: number;
  readonly firstKept: number;
}

/** Lines that are asked for at once. */
const CHUNK = 200;
const MOST_CHUNKS = 30;
/** What could not be had is asked for again after this time (ms). */
const AGAIN_MS = 1_000;

/** The lines of a run's output as far as they were asked for; the last ones that were looked at are kept. */
export function createLineStore(run: string, onChange: () => void) {
  const chunks = new Map<number, ReadonlyMap<number, Line>>();
  const asked = new Set<number>();
  const resting = new Set<number>();
  let total = 0;
  let firstKept = 1;

  async function ask(chunk: number): Promise<void> {
    if (asked.has(chunk)) return;
    asked.add(chunk);
    const got = await linesFrom(chunk);
    if (got) {
      chunks.delete(chunk);
      chunks.set(chunk, new Map(got.lines.map((line) => [line.number, line])));
      for (const oldest of chunks.keys()) {
        if (chunks.size <= MOST_CHUNKS) break;
        chunks.delete(oldest);
      }
      firstKept = got.firstKept;
      total = Math.max(total, got.total);
    } else {
      resting.add(chunk);
      setTimeout(() => {
        resting.delete(chunk);
        onChange();
      }, AGAIN_MS);
    }
    asked.delete(chunk);
    onChange(); // which asks again for what is missing, unless it rests
  }
  async function linesFrom(chunk: number): Promise<Lines | undefined> {
    try {
      const answer = await fetch(`/runs/${run}/lines?from=${chunk * CHUNK + 1}&count=${CHUNK}`);
      return answer.ok ? ((await answer.json()) as Lines) : undefined;
    } catch {
      return undefined;
    }
  }
  const chunkOf = (number: number) => Math.floor((Math.max(1, number) - 1) / CHUNK);
  return {
    /** A line by its number, if it is here; otherwise it is asked for. */
    line(number: number): Line | undefined {
      const at = chunkOf(number);
      const chunk = chunks.get(at);
      if (!chunk && !resting.has(at)) void ask(at);
      return chunk?.get(number);
    },
    /** Asks for what is around a line, also when it is here. */
    ask: (number: number) => ask(chunkOf(number)),
    /** Asks for what is at the end, until that is the end. */
    async askEnd(): Promise<void> {
      for (let before = -1; chunkOf(total) !== before; ) {
        before = chunkOf(total);
        await ask(before);
      }
    },
    get total() {
      return total;
    },
    get firstKept() {
      return firstKept;
    },
  };
}
