import { omitUndefined } from '../shared/omit-undefined.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import type { Position, StreamName } from '../shared/run-store/output.js';

/** The setting that let go of the output and the prompt of an ended run. */
export const settingThatLetGo = ({ letGo }: Pick<Run, 'letGo'>) =>
  letGo ? 'AGENTPOOL_MAX_KEPT_BYTES' : 'AGENTPOOL_OUTPUT_RETENTION_MS';

/** That a part of the output is not kept any more, since when, and by which setting; empty where all of it is there. */
export interface Dropped {
  /** Output from before this time (ms) is not kept any more. */
  readonly truncatedBefore?: number;
  /** The setting that let it go. */
  readonly droppedBy?: string;
}

/** Describes what is missing from a part; `droppedBytes`: how much of it was missed in this read. */
export async function whatWasDropped(
  run: Run,
  droppedBytes: number,
  firstKeptAt: () => Promise<number | undefined>,
): Promise<Dropped> {
  if (run.droppedBytes === 0 && droppedBytes === 0) return {};
  const keptSince = await firstKeptAt();
  const isAllGone = keptSince === undefined && isEnded(run.state);
  const droppedBy = isAllGone ? settingThatLetGo(run) : 'AGENTPOOL_MAX_OUTPUT_BYTES';
  return { ...omitUndefined({ truncatedBefore: keptSince ?? run.endedAt }), droppedBy };
}

/** How much of a run's output is no longer kept, and by which setting. */
export async function goneOf(
  run: Run,
  firstKeptAt: () => Promise<number | undefined>,
): Promise<{ droppedBytes: number; droppedBy?: string }> {
  const { outBytes, errBytes, droppedBytes } = run;
  const mayBeGone = isEnded(run.state) && outBytes + errBytes > 0;
  if (mayBeGone && (await firstKeptAt()) === undefined)
    return { droppedBytes: outBytes + errBytes, droppedBy: settingThatLetGo(run) };
  return { droppedBytes, ...(droppedBytes > 0 && { droppedBy: 'AGENTPOOL_MAX_OUTPUT_BYTES' }) };
}

interface Page {
  readonly next: Position;
  readonly hasMore: boolean;
  readonly droppedBytes: number;
}

/** At the end of an ended run, what is missing to its counts was let go: by the cap, or because its time was over. */
export function withWhatIsGone<Part extends Page>(
  run: Run,
  page: Part,
  stream: StreamName | undefined,
  tail: boolean,
): { page: Part; complete: boolean } {
  const complete = isEnded(run.state) && !page.hasMore;
  if (!complete || tail) return { page, complete };
  const { entry, out, err } = page.next;
  const gone = (kind: 'stdout' | 'stderr', at: number, total: number) =>
    at < 0 || (stream !== undefined && stream !== kind) ? 0 : Math.max(0, total - at);
  const droppedBytes = page.droppedBytes + gone('stdout', out, run.outBytes) + gone('stderr', err, run.errBytes);
  const next = { entry, out: Math.max(out, run.outBytes), err: Math.max(err, run.errBytes) };
  return { page: { ...page, next, droppedBytes }, complete };
}
