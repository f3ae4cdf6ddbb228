import type { Line } from './line-store.js';

interface Found {
  readonly matches: readonly Line[];
  readonly next?: number;
}

/** Searches all of the output, on the server, from match to match. */
export function createSearch(run: string, tell: (words: string) => void, show: (line: number) => void) {
  let after = 0;
  let found: ReadonlySet<number> = new Set();
  let searching = 0;
  async function foundAfter(text: string): Promise<Found | undefined> {
    try {
      const answer = await fetch(`/runs/${run}/search?q=${encodeURIComponent(text)}&after=${after}`);
      return answer.ok ? ((await answer.json()) as Found) : undefined;
    } catch {
      return undefined;
    }
  }
  return {
    /** Whether a line is a match. */
    has: (line: number) => found.has(line),
    /** The text has changed: the next search begins at the top. */
    restart(): void {
      after = 0;
      searching += 1;
    },
    async next(text: string): Promise<void> {
      searching += 1;
      const own = searching;
      found = new Set();
      if (text === '') return tell('');
      tell('searching …');
      for (;;) {
        const answer = await foundAfter(text);
        if (own !== searching) return;
        if (!answer) return tell('the search has failed; try again');
        const { matches, next } = answer;
        const [first] = matches;
        if (first) {
          found = new Set(matches.map(({ number }) => number));
          after = first.number;
          const more = next === undefined ? '' : ' or more';
          tell(`line ${first.number.toLocaleString()}: ${matches.length}${more} from here on`);
          return show(first.number);
        }
        if (next === undefined) break;
        after = next;
        tell(`searching … line ${next.toLocaleString()}`);
      }
      tell(after === 0 ? 'not found' : 'no more; the next search begins at the top');
      after = 0;
    },
  };
}
