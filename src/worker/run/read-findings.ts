import type { Logger } from '../../shared/logger.js';
import { omitUndefined } from '../../shared/omit-undefined.js';
import type { ProviderLimit } from '../../shared/run.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';
import { startReadingOutput } from '../output/read-output.js';
import type { Spool } from '../spool/spool.js';
import type { SpoolMeta } from '../spool/spool-meta.js';

interface Read {
  readonly runner: Pick<Runner, 'output'>;
  readonly spool: Pick<Spool, 'stdout' | 'stderr'>;
  readonly meta: Pick<SpoolMeta, 'attempt'>;
  /** Is shown each message of stdout. */
  readonly saw?: (message: unknown) => void;
  readonly logger: Logger;
}

/** Looks for facts in what a program prints, from the start of the attempt: the spool has all of it. */
export function startReadingFindings(given: Read, onLearned: (learned: Findings) => void) {
  const { runner, spool, meta, saw, logger } = given;
  const stdout = startReadingOutput({
    format: runner.output,
    file: spool.stdout,
    from: meta.attempt?.from.out ?? 0,
    onLearned,
    ...(saw && { saw }),
    logger,
  });
  const stderr = startReadingStderr(given, (limit) => {
    stdout.reader.limitTold();
    onLearned({ limit });
  });
  return {
    ...stdout,
    kick(): void {
      stderr?.kick(); // first: what the other one says next may be that the limit is over
      stdout.kick();
    },
    close(): void {
      stderr?.close();
      stdout.close();
    },
  };
}

/** Looks in stderr for nothing but what its runner says is told there alone. */
function startReadingStderr({ runner, spool, meta, logger }: Read, onLimit: (limit: ProviderLimit) => void) {
  const limitOnStderr = runner.output.format === 'text' ? undefined : runner.output.limitOnStderr;
  if (!limitOnStderr) return undefined;
  return startReadingOutput({
    format: { format: 'text', read: (line) => omitUndefined({ limit: limitOnStderr(line) }) },
    file: spool.stderr,
    from: meta.attempt?.from.err ?? 0,
    onLearned: ({ limit }) => limit && limit !== 'over' && onLimit(limit),
    logger,
  });
}
