import { closest, distance } from 'fastest-levenshtein';

/** The known word that was probably meant by an unknown one; undefined when none is near. `most`: letters that may differ. */
export function nearest(word: string, known: readonly string[], most?: number): string | undefined {
  if (known.length === 0) return undefined;
  const plain = (text: string) => text.toLowerCase();
  const best = closest(plain(word), known.map(plain));
  if (distance(plain(word), best) > (most ?? Math.max(2, best.length / 3))) return undefined;
  return known.find((candidate) => plain(candidate) === best);
}

/** ` Did you mean claude?` where a known word is near, for the end of a sentence; else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : ` Did you mean ${meant}?`;
}
