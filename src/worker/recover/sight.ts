import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Run } from '../../shared/run.js';
import { bootId, processesOf } from '../process/processes.js';
import { hasBegun, programPid, type Spool, spoolBytes } from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';

/** A wrapper has gone to work within this time after its start (ms), also on a machine that is busy. */
const BEGINS_WITHIN_MS = 5_000;

/** What can be seen of an attempt: whether a wrapper has gone to work, a process of the run lives, its spool is untouched. */
export type Sight<Seen> = Readonly<Record<'begun' | 'lives' | 'untouched', Seen>>;

/**
 * What is seen of an attempt. The worker may have died just after it started the wrapper: one that lives is waited for. Or it was
 * only paused, and starts the wrapper now: so all is looked at once, and last whether one has begun. What comes after that
 * is for `once` to decide, which lets one of two wrappers start the program.
 */
export async function sightOf(look: Sight<() => boolean>): Promise<Sight<boolean>> {
  const asked = performance.now();
  while (!look.begun()) {
    const untouched = look.untouched();
    const lives = look.lives();
    if (untouched && lives && performance.now() - asked < BEGINS_WITHIN_MS) await pause(20);
    else if (!look.begun()) return { begun: false, lives, untouched };
  }
  return { begun: true, lives: true, untouched: false };
}

/** The same, of the attempt that is on in a spool. */
export const sightOfSpool = (spool: Spool, meta: SpoolMeta | undefined, run: Run): Promise<Sight<boolean>> =>
  sightOf({
    begun: () => hasBegun(spool),
    lives: () => processesOf(run.id).length > 0,
    untouched: () => meta !== undefined && isUntouched(spool, meta, run),
  });

/**
 * Whether a program may have the prompt that nothing can be told of any more. The spool lies in its reach, so where the
 * record says that an attempt was about to be started, or the spool tells of a later attempt than the record, what is
 * missing in the spool proves nothing, unless all of it is untouched: then the worker died just before the start. A
 * program that makes its spool look like that has its own prompt repeated, and nothing else.
 */
export function lostBecause(
  run: Pick<Run, 'launched' | 'pid' | 'credentials'>,
  meta: Pick<SpoolMeta, 'attempt'> | undefined,
  { begun, lives, untouched }: Sight<boolean>,
): string | undefined {
  const attempt = meta?.attempt?.number ?? 1;
  if (attempt > (run.credentials?.attempt ?? 1)) return 'its spool tells of an attempt that was never made';
  if (begun) return meta ? undefined : 'its spool is unreadable';
  const launched = run.launched ?? (run.pid === undefined ? 0 : 1);
  if (attempt === 1 && lives) return 'its spool is gone from its host';
  const neverStarted = launched < attempt || (run.pid === undefined && untouched && !lives);
  return neverStarted ? undefined : 'its spool is gone from its host';
}

/**
 * Whether a spool is as its worker made it for this attempt: with its input, and without a word of a program. Never after a
 * restart of the machine, which may have forgotten what was said.
 */
function isUntouched(spool: Spool, meta: Pick<SpoolMeta, 'attempt' | 'bootId'>, { outBytes, errBytes }: Run): boolean {
  if (meta.bootId !== bootId()) return false;
  const { attempt } = meta;
  const { out, err } = attempt?.from ?? { out: 0, err: 0 };
  const printed = spoolBytes(spool) + Math.max(outBytes - out, 0) + Math.max(errBytes - err, 0);
  return existsSync(spool.stdin) && programPid(spool) === undefined && printed === out + err;
}

/**
 * Whether the wrapper that went to work died before it said that it starts the program, as when all processes of a container
 * are killed at once.
 */
export function hasDiedBefore(spool: Spool, meta: SpoolMeta, run: Run): boolean {
  if (run.pid !== undefined || meta.ending !== undefined) return false;
  const untouched = () => isUntouched(spool, meta, run);
  return untouched() && processesOf(run.id).length === 0 && untouched(); // the last of it may have ended since the first look
}
