import { z } from 'zod';
import { beginningOf } from '../../shared/plain-text.js';
import { AGENT_NAME } from '../../shared/run.js';

/** What overmind wrote about the last run of an agent. Times are milliseconds since the epoch. */
export interface Entry {
  readonly key: string;
  /** Absent where the key names the agent only. */
  readonly runner?: string;
  readonly agentName: string;
  readonly sessionId?: string;
  /** When it was begun; that of the file where the entry is a bare session id. */
  readonly ts: number;
  readonly pid?: number;
  readonly status?: 'running' | 'done' | 'failed' | 'orphaned';
  readonly output: string;
  readonly exitCode?: number;
  readonly lastOutputAt?: number;
}

const time = z.union([
  z.number(),
  z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text))),
]);
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);

const tracked = z.looseObject({
  id: optional(z.string().min(1)),
  ts: time.pipe(z.number().min(0)),
  pid: optional(z.number().int().positive()),
  runner: optional(z.string().min(1)),
  agentName: optional(z.string()),
  status: optional(z.enum(['running', 'done', 'failed', 'orphaned'])),
  outputBuffer: optional(z.union([z.string(), z.array(z.string()).transform((parts) => parts.join(''))])),
  exitCode: optional(z.number().int()),
  lastOutputAt: optional(time.pipe(z.number().min(0))),
});
/** The three shapes in which overmind kept sessions: a bare id, `{ id, ts }`, and with what it knew of the process. */
const shape = z.union([z.string().min(1), tracked]);

export interface ReadSessions {
  readonly entries: readonly Entry[];
  /** What cannot be read, never with what it says: it may be any file. */
  readonly problems: readonly string[];
}

/** Reads a sessions.json of overmind; what is wrong with one entry costs that entry only. `fileTime` is in ms. */
export function readSessions(text: string, fileTime: number): ReadSessions {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return { entries: [], problems: ['it is not JSON'] };
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return { entries: [], problems: ['it is not a JSON object'] };
  const read = Object.entries(content).map(([key, value]) => readEntry(key, value, fileTime));
  return {
    entries: read.flatMap((one) => (typeof one === 'string' ? [] : [one])),
    problems: read.flatMap((one) => (typeof one === 'string' ? [one] : [])),
  };
}

/** The entry, or what is wrong with it. */
function readEntry(key: string, value: unknown, fileTime: number): Entry | string {
  const colon = key.indexOf(':');
  const parsed = shape.safeParse(value);
  if (!parsed.success) return `entry ${shown(key)}: neither a session id nor { id, ts, ... }`;
  const given = typeof parsed.data === 'string' ? { id: parsed.data, ts: fileTime } : parsed.data;
  const { id, ts, pid, status, outputBuffer, exitCode, lastOutputAt } = given as z.infer<typeof tracked>;
  const runner = colon < 0 ? (given as z.infer<typeof tracked>).runner : key.slice(0, colon);
  const agentName = key.slice(colon + 1);
  if (!AGENT_NAME.test(agentName)) return `entry ${shown(key)}: ${shown(agentName)} is not the name of an agent`;
  return {
    key,
    agentName,
    ts,
    output: outputBuffer ?? '',
    ...(runner && { runner }),
    ...(id && { sessionId: id }),
    ...(pid && { pid }),
    ...(status && { status }),
    ...(typeof exitCode === 'number' && { exitCode }),
    ...(typeof lastOutputAt === 'number' && { lastOutputAt }),
  };
}

const shown = (text: string) => JSON.stringify(beginningOf(text, 80));

/** The entry of an agent: that of the runner if one is asked for, the latest otherwise. */
export function entryOf(entries: readonly Entry[], agentName: string, runner: string | undefined): Entry | undefined {
  const exact = (entry: Entry) => Number(entry.runner === runner);
  return entries
    .filter(
      (entry) => entry.agentName === agentName && (runner === undefined || [runner, undefined].includes(entry.runner)),
    )
    .sort((a, b) => exact(b) - exact(a) || b.ts - a.ts)[0];
}

/** Without a pid all that is known is when it was begun (ms). */
const DONE_AFTER_MS = 60 * 60_000;

/** What has become of it, as overmind deduced it; `uncertain` where it is a guess. */
export function deduce(
  { pid, status, ts }: Entry,
  now: number,
  isAlive: (pid: number) => boolean,
): { status: NonNullable<Entry['status']>; uncertain: boolean } {
  if (pid !== undefined && status === 'running' && !isAlive(pid)) return { status: 'orphaned', uncertain: true };
  if (status !== undefined) return { status, uncertain: status === 'orphaned' };
  if (pid !== undefined && isAlive(pid)) return { status: 'running', uncertain: true };
  return { status: now - ts > DONE_AFTER_MS ? 'done' : 'running', uncertain: now - ts <= DONE_AFTER_MS };
}
