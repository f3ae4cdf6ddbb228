import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { eventually } from './processes.js';

interface SeenCommand {
  /** Its name, in lower case. */
  readonly name: string;
  /** All that comes behind the name, as Redis quotes it. */
  readonly rest: string;
  /** Whether a script did it, which itself was sent. */
  readonly isOfScript: boolean;
}

interface CommandMonitor {
  /** What was done since the last time this was asked, by anybody, on keys that begin with the prefix or name it. */
  seen(): Promise<readonly SeenCommand[]>;
  stop(): void;
}

const LINE = /^\+[\d.]+ \[\d+ (?<source>\S+)\] "(?<name>[^"]+)" ?(?<rest>.*)$/;

/**
 * What is done on the keys of one prefix, as MONITOR tells it. Tests share a server, so its counters count everybody's.
 * The connection is bare: ioredis takes a command of somebody else that comes with the answer to MONITOR for an answer.
 */
export async function monitorCommands(redisUrl: string, prefix: string): Promise<CommandMonitor> {
  const path = redisUrl.replace('unix://', '');
  const socket = connect(path);
  const marking = new Redis({ path });
  const lines: string[] = [];
  createInterface({ input: socket }).on('line', (line) => lines.push(line));
  await once(socket, 'connect');
  socket.write('MONITOR\r\n');
  /** Waits until everything before this moment was told; all before the mark is taken out. */
  const linesUntilNow = async () => {
    const mark = randomUUID();
    await marking.echo(mark);
    const at = () => lines.findIndex((line) => line.includes(mark));
    return lines.splice(0, (await eventually(at, (found) => found >= 0)) + 1);
  };
  await eventually(() => lines[0] === '+OK');
  await linesUntilNow();
  return {
    seen: async () =>
      (await linesUntilNow()).flatMap((line) => {
        const { source, name = '', rest = '' } = LINE.exec(line)?.groups ?? {};
        return rest.includes(prefix) ? [{ name: name.toLowerCase(), rest, isOfScript: source === 'lua' }] : [];
      }),
    stop() {
      socket.destroy();
      marking.disconnect();
    },
  };
}
