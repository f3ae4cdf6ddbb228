import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

/** The levels of AGENTPOOL_LOG_LEVEL. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The one way a process of ours logs: JSON lines on stderr, since stdout belongs to data and to the MCP transport.
 * Never give it a prompt, output or a token.
 */
export function openLogger(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    { name, level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
