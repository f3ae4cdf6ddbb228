import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import type { OutputPage, OutputQuery } from '../shared/run-store/read-output.js';

/** At the end of an ended run, what is missing to its counts was let go: by the cap, or because its time was over. */
export function withWhatIsGone(
  run: Run,
  page: OutputPage,
  { stream }: OutputQuery,
  tail: boolean,
): { page: OutputPage; complete: boolean } {
  const complete = isEnded(run.state) && !page.hasMore;
  if (!complete || tail) return { page, complete };
  const { entry, out, err } = page.next;
  const gone = (kind: 'stdout' | 'stderr', at: number, total: number) =>
    at < 0 || (stream !== undefined && stream !== kind) ? 0 : Math.max(0, total - at);
  const droppedBytes = page.droppedBytes + gone('stdout', out, run.outBytes) + gone('stderr', err, run.errBytes);
  const next = { entry, out: Math.max(out, run.outBytes), err: Math.max(err, run.errBytes) };
  return { page: { ...page, next, droppedBytes }, complete };
}
