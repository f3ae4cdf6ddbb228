import { createRequire } from 'node:module';
import type { PrettyOptions } from 'pino-pretty';
import type { LogFormat } from '../shared/logger.js';
import { terminalText } from '../shared/plain-text.js';

/** Whether the log of this process is for people: it is where stderr is a terminal, unless the setting says otherwise. */
export const isForPeople = (format: LogFormat): boolean =>
  format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true);

/** How a line of the log is shown to people: time, level, what happened and to what; a terminal gets colours alone. */
export function formForPeople(colorize: boolean): (line: string) => string {
  // Loaded here, since most processes of ours write JSON.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as {
    prettyFactory: (options: PrettyOptions) => (line: string) => string;
  };
  const pretty = prettyFactory({
    colorize,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,worker',
    singleLine: true,
  });
  return (line) => terminalText(pretty(line));
}
