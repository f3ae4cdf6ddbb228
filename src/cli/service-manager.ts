import { fstatSync, writeSync } from 'node:fs';
import type { Logger } from '../shared/logger.js';
import { plainText } from '../shared/plain-text.js';

/** The service manager that has started us, as systemd with `Type=notify`. */
export interface ServiceManager {
  ready(): void;
  stopping(): void;
  /** Tells it again and again that we are well, as long as `look` finds that; it restarts a service that it does not hear of. */
  watch(look: () => Promise<Wellbeing>): { stop(): void };
}

/** What only a restart ends, and what else is wrong. */
interface Wellbeing {
  readonly live: readonly string[];
  readonly ready: readonly string[];
}

/** systemd shows so much of what a service says of itself (characters). */
const LONGEST_STATUS = 200;

/**
 * The service manager, where there is one: its socket is descriptor NOTIFY_FD of the process NOTIFY_PID, opened by
 * deploy/systemd/with-notify, since Node cannot open one of that kind.
 */
export function openServiceManager(
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): ServiceManager | undefined {
  const fd = Number(env.NOTIFY_FD);
  if (env.NOTIFY_PID !== String(process.pid) || !isSocket(fd)) return undefined;
  const tell = (words: string) => {
    try {
      writeSync(fd, words);
    } catch (error) {
      logger.warn({ err: error }, 'the service manager cannot be told how we are');
    }
  };
  return {
    ready: () => tell('READY=1'),
    stopping: () => tell('STOPPING=1'),
    watch(look) {
      const withinMs = watchdogMs(env);
      if (withinMs === undefined) return { stop: () => {} };
      let status: string | undefined;
      const turn = async () => {
        const { live, ready } = await look();
        if (live.length > 0) logger.error({ problems: live }, 'the watchdog gets no sign of life');
        else tell('WATCHDOG=1');
        const said = plainText([...new Set([...live, ...ready])].join('; ')).slice(0, LONGEST_STATUS);
        if (said !== status) tell(`STATUS=${said || 'ready'}`);
        status = said;
      };
      let timer: NodeJS.Timeout | undefined;
      let stopped = false;
      // One look after the other: each waits for Redis where that is slow.
      const again = async () => {
        await turn().catch((error: unknown) => logger.warn({ err: error }, 'the watchdog waits'));
        if (!stopped) timer = setTimeout(again, withinMs / 3);
      };
      void again();
      return {
        stop() {
          stopped = true;
          clearTimeout(timer);
        },
      };
    },
  };
}

function isSocket(fd: number): boolean {
  try {
    return Number.isInteger(fd) && fd > 2 && fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** How often it has to hear of us (ms); undefined where it does not ask for that. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Readonly<Record<string, string | undefined>>) {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined;
  const ms = Number(WATCHDOG_USEC) / 1_000;
  return ms > 0 ? ms : undefined;
}
