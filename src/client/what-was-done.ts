import { omitUndefined } from '../shared/omit-undefined.js';
import { beginningOf, textOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import type { Run } from '../shared/run.js';
import { isEnded } from '../shared/run-state.js';
import { cursorOf } from '../shared/run-store/output.js';
import { type Activity, activityOf } from '../shared/transcript/activity.js';
import { readable } from '../shared/transcript/readable.js';
import { endOf, hasTranscript } from './read-transcript.js';

/** So much of the end of the output is looked at (bytes): a message may have hundreds of kilobytes. */
const MOST_LOOKED_AT = 128 * 1024;
/** So much of the end of a transcript is shown where there is no result yet (characters). */
const END_CHARS = 1_024;

/** What a run has done; `partial` where its output is longer than what was looked at. */
export interface RunActivity extends Activity {
  readonly partial?: true;
}

/** What can be said of a run in a few lines. */
export interface Done {
  /** Absent for programs that print text, and for those whose messages are not known. */
  readonly activity?: RunActivity;
  /** The end of the output as text, of the transcript for programs that speak JSON; empty where the result says it. */
  readonly end: string;
  /** Where reading the output goes on after this end. */
  readonly nextCursor: string;
}

interface Looked {
  readonly tailBytes: number;
  /** Where the result is just being asked for, the output is asked for at the same time. */
  readonly hasResult: () => boolean | Promise<boolean>;
  readonly share?: number;
}

/** Sums up the end of a run's output, at most `tailBytes` of what is text. */
export async function whatWasDone(pool: Pool, run: Run, looked: Looked): Promise<Done> {
  const { tailBytes, share = 1 } = looked;
  const saidByResult = isEnded(run.state) && looked.hasResult();
  if (!hasTranscript(pool, run)) return endOfText(pool, run, tailBytes, saidByResult);
  const [isSaid, { events, whole, page }] = await Promise.all([
    saidByResult,
    endOf(pool, run, Math.floor(MOST_LOOKED_AT / share)),
  ]);
  const partial = whole ? undefined : (true as const);
  const text = isSaid ? '' : readable(events);
  const from = text.indexOf('\n', text.length - END_CHARS) + 1;
  return {
    activity: { ...activityOf(events), ...omitUndefined({ partial }) },
    end: text.length <= END_CHARS ? text : beginningOf(text.slice(from), END_CHARS),
    nextCursor: cursorOf(page.next, run.id),
  };
}

/** Where the result says it, as most do that may, the output is asked for no more than its last byte. */
async function endOfText(
  pool: Pool,
  { id }: Run,
  tailBytes: number,
  saidByResult: boolean | Promise<boolean>,
): Promise<Done> {
  const tail = (bytes: number) => pool.runs.tail(id, bytes, undefined);
  const [isSaid, first] = await Promise.all([saidByResult, tail(saidByResult ? 1 : tailBytes)]);
  const { bytes, next } = saidByResult && !isSaid ? await tail(tailBytes) : first;
  return { end: isSaid ? '' : textOf(bytes, false), nextCursor: cursorOf(next, id) };
}
