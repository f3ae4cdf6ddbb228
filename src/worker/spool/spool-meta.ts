import { join } from 'node:path';
import { z } from 'zod';
import type { Failure, LaunchFacts, Run } from '../../shared/run.js';
import { FAILURE_KINDS } from '../../shared/run.js';
import type { Shipped } from '../../shared/run-store/ownership.js';
import { readStored, SPOOL_FORM, type Stored } from '../../shared/stored-form.js';
import type { ProcessId } from '../process/processes.js';
import { readOwn } from './own-files.js';

/** A further attempt of a run, with the next values of its agent's fallbacks; goes into the spool, so without any of them. */
export interface Attempt {
  /** From 2. */
  readonly number: number;
  /** Where its output begins: the files go on with what the attempts before have printed (bytes). */
  readonly from: Shipped;
  /** Of the first attempt, for the limit of time (ms since boot). */
  readonly startedUptimeMs: number;
  /** Why the attempt before came to nothing. */
  readonly because: Failure;
}

/**
 * What the next worker of this host has to know to go on with a run. Never the prompt, never a secret. The program can write
 * here, so what its record knows as well is taken from there, see `withWhatIsKnown`.
 */
export interface SpoolMeta extends Omit<LaunchFacts, 'form'> {
  readonly runId: string;
  readonly runner: string;
  readonly agentName: string;
  readonly principal?: string;
  readonly queue: string;
  /** Of the lock of the BullMQ job. */
  readonly leaseToken: string;
  readonly bootId: string;
  readonly sessionId?: string;
  /** Absent: the first. */
  readonly attempt?: Attempt;
  /** Absent: the program was about to be started. */
  readonly wrapper?: ProcessId;
  /** Why a worker ends the program of this attempt, written before it does. */
  readonly ending?: string;
}

const milliseconds = z.number().min(0);
const processId = z.looseObject({ pid: z.number().int(), start: z.string() });
const attempt = z.looseObject({
  number: z.number().int().min(2),
  from: z.looseObject({ out: z.number().int().min(0), err: z.number().int().min(0) }),
  startedUptimeMs: milliseconds,
  because: z.looseObject({ kind: z.enum(FAILURE_KINDS), message: z.string() }),
});

const meta = z.looseObject({
  runId: z.string(),
  runner: z.string(),
  agentName: z.string(),
  principal: z.string().optional(),
  queue: z.string(),
  leaseToken: z.string(),
  bootId: z.string(),
  path: z.string(),
  home: z.string(),
  sessionId: z.string().optional(),
  timeoutMs: milliseconds,
  silenceTimeoutMs: milliseconds,
  attempts: z.number().int().min(1).optional(),
  attempt: attempt.optional(),
  startedUptimeMs: milliseconds,
  wrapper: processId.optional(),
  ending: z.string().optional(),
});

/** What a worker has written down about the run of a spool; undefined when there is nothing. */
export function storedMeta(directory: string): Stored<SpoolMeta> | undefined {
  const text = readOwn(join(directory, 'meta.json'));
  return text === undefined ? undefined : readStored(meta as unknown as z.ZodType<SpoolMeta>, text, SPOOL_FORM);
}

/** The part of it that the record of the run is told before the program is started. */
export function factsOf({
  path,
  home,
  timeoutMs,
  silenceTimeoutMs,
  startedUptimeMs,
  attempts,
}: SpoolMeta): LaunchFacts {
  const tries = attempts !== undefined && { attempts };
  return { form: SPOOL_FORM, path, home, timeoutMs, silenceTimeoutMs, startedUptimeMs, ...tries };
}

/** What a spool says, and what the record of its run says better: no program gives itself more time or another home. */
export function withWhatIsKnown(
  stored: SpoolMeta,
  {
    id,
    runner,
    agentName,
    principal,
    launchFacts,
  }: Pick<Run, 'id' | 'runner' | 'agentName' | 'principal' | 'launchFacts'>,
): SpoolMeta {
  const { attempts, principal: _forged, ...rest } = stored;
  const { startedUptimeMs } = launchFacts ?? stored;
  return {
    ...rest,
    ...(launchFacts ? withoutForm(launchFacts) : attempts !== undefined && { attempts }),
    ...(rest.attempt && { attempt: { ...rest.attempt, startedUptimeMs } }),
    runId: id,
    runner,
    agentName,
    principal,
  };
}

const withoutForm = ({ form: _form, ...facts }: LaunchFacts) => facts;
