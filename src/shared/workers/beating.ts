import type { RedisClient } from '../redis/connect.js';
import { serverNow } from '../redis/now.js';
import type { Settling } from '../redis/settled.js';
import { STORED_FORM } from '../stored-form.js';

/** Heartbeats after which a silent worker is taken for dead. */
export const SILENT_BEATS = 3;
/** What a worker says of itself is told again after so many heartbeats, though nothing has changed. */
const TOLD_AGAIN_BEATS = 12;

/** The keys of the register. */
export interface RegisterKeys {
  readonly reports: string;
  readonly beats: string;
  readonly cordons: string;
}

/** The heartbeats of this process, and what is known of the time of Redis by them. */
export interface Beating {
  /**
   * Says that a worker lives, and what it says of itself where that is new, or where Redis may have forgotten it. Answers
   * whether it, or its host, is cordoned.
   */
  beat(report: { readonly id: string; readonly host: string }): Promise<boolean>;
  /** The time of Redis (ms since the epoch), reckoned from the last heartbeat where that was lately. */
  now(): Promise<number>;
}

/** Opens them. Each looks at the server first, which is due then: the answer has its time, too. */
export function openBeating(
  redis: RedisClient,
  { reports, beats, cordons }: RegisterKeys,
  heartbeatMs: number,
  { look, interruptions }: Pick<Settling, 'look' | 'interruptions'>,
): Beating {
  let told = { text: '', interruptions: -1, beats: 0 };
  let clock = { now: 0, at: Number.NEGATIVE_INFINITY };

  async function tell(id: string, text: string): Promise<void> {
    const before = interruptions();
    await redis.hset(reports, id, text);
    told = { text, interruptions: before, beats: 0 };
  }
  return {
    async beat(report) {
      const { id, host } = report;
      const now = (await look()) ?? (await serverNow(redis));
      clock = { now, at: performance.now() };
      const text = JSON.stringify({ form: STORED_FORM, ...report });
      const isKnown = told.text === text && told.interruptions === interruptions() && told.beats < TOLD_AGAIN_BEATS;
      const [, isNew, cordoned] = await Promise.all([
        isKnown ? undefined : tell(id, text),
        redis.zadd(beats, now, id),
        redis.hmget(cordons, id, host),
      ]);
      told.beats += 1;
      if (isKnown && Number(isNew) === 1) await tell(id, text); // somebody has taken us out of the register
      return cordoned.some((since) => since !== null);
    },
    async now() {
      const since = performance.now() - clock.at;
      return since < SILENT_BEATS * heartbeatMs ? Math.floor(clock.now + since) : serverNow(redis);
    },
  };
}
