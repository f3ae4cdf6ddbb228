import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** The levels of AGENTPOOL_LOG_LEVEL. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** The values of AGENTPOOL_LOG_FORMAT. */
export const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The one way a process of ours logs: JSON lines on stderr, since stdout belongs to data and to the MCP transport.
 * Never give it a prompt, output or a token.
 */
export function openLogger(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    { name, level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? toStderr(),
  );
}

/** What waits at most (characters) while stderr takes nothing; more than that is dropped. */
const MOST_WAITING = 256 * 1024;

/**
 * stderr, with each line as `form` makes it. A line that cannot be written, to a file on a full disk or a pipe that nobody
 * reads, waits for the next one: it is never a reason for what was logged to fail.
 */
export function toStderr(form: (line: string) => string = (line) => line): DestinationStream {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MOST_WAITING });
  destination.on('error', () => {});
  return { write: (line) => void destination.write(form(line)) };
}
