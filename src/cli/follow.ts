import type { z } from 'zod';
import { streamAgentOutput } from '../mcp/tools/stream-agent-output.js';
import type { Pool } from '../shared/pool.js';
import { ask } from './ask.js';

type Page = z.infer<(typeof streamAgentOutput)['output']>;
type Query = Omit<z.input<(typeof streamAgentOutput)['input']>, 'waitMs'>;

/** How long one question blocks (ms); a lost connection is noticed no later. */
const ASK_MS = 30_000;

/** Reads the output of a run page by page: what there is, and, with `live`, what comes until the end or the abort. */
export async function followOutput(
  pool: Pool,
  query: Query,
  live: boolean,
  signal: AbortSignal,
  onPage: (page: Page) => void,
): Promise<Page | undefined> {
  let next: Query = { maxBytes: 262_144, ...query };
  let page: Page | undefined;
  while (!signal.aborted) {
    page = await ask(pool, streamAgentOutput, { ...next, waitMs: live ? ASK_MS : 0 }, signal);
    if (page.output !== '' || page.droppedBytes > 0) onPage(page);
    if (page.isComplete || (!live && !page.hasMore)) return page;
    const { sinceTimestamp: _since, tail: _tail, ...rest } = next;
    next = { ...rest, cursor: page.nextCursor };
  }
  return page;
}
