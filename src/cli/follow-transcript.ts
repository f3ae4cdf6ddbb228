import colors from 'picocolors';
import type { Caller } from '../client/caller.js';
import { type FollowTranscriptRequest, followTranscript } from '../client/follow.js';
import { createChangedFiles } from '../shared/transcript/changed-files.js';
import { usageInWords } from '../shared/transcript/readable.js';
import { createSpent } from '../shared/transcript/spent.js';
import { note, print } from './print.js';
import { createTranscriptPrinter, type TranscriptStyle } from './show-transcript.js';
import { startWaitingLine } from './waiting-line.js';

/** What a transcript was followed with. */
export interface FollowOptions extends TranscriptStyle, FollowTranscriptRequest {
  /** Only what was printed before this time (ms). */
  readonly until?: number | undefined;
  /** Events as JSON, one a line. */
  readonly json?: boolean | undefined;
}

/**
 * Shows the transcript of a run on stdout, and while it waits at a terminal, what the run has taken so far. Answers what
 * was seen, and whether a result was among it.
 */
export async function showTranscript(caller: Caller, runId: string, options: FollowOptions) {
  const { until = Number.POSITIVE_INFINITY, json, timestamps, stderr, lines, ...request } = options;
  const printer = createTranscriptPrinter(process.stdout, { timestamps, stderr, lines });
  const files = createChangedFiles();
  const spent = createSpent();
  const isShown = request.live && !json;
  const waiting = isShown ? startWaitingLine(caller, runId, () => usageInWords(spent.usage() ?? {})) : undefined;
  try {
    for await (const part of followTranscript(caller, { runId }, request)) {
      waiting?.clear();
      const events = part.events.filter(({ at }) => at <= until);
      if (part.droppedBytes > 0) note(colors.yellow(`[${part.droppedBytes} bytes before this are not kept any more]`));
      if (json) for (const event of events) print(JSON.stringify(event));
      else printer.show(events);
      for (const event of events) {
        files.take(event);
        if (event.type === 'usage') spent.take(event);
      }
      if (!part.hasMore) printer.lastLinesOver();
      if (events.length < part.events.length) break;
    }
  } finally {
    waiting?.stop();
  }
  printer.lastLinesOver();
  return { files: files.files(), hasShown: (result: string | undefined) => printer.end(result) };
}
