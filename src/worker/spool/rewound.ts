import { join } from 'node:path';
import type { Shipped } from '../../shared/run-store/ownership.js';
import { readOwn } from './own-files.js';
import { type Spool, writeOwn } from './spool.js';

const REWOUND = 'rewound.json';

/** No program empties its output so far beyond what was shipped of it (bytes): the program can write there as well. */
const FURTHEST_REWOUND = 2 ** 40;

/**
 * Where the output files of a run begin anew in its output: their program has emptied them so far in (bytes). `from`: how
 * far its stream is. As a rule there is no such file: that must not cost an error.
 */
export function readRewound({ directory }: Spool, from: Shipped): Shipped {
  try {
    const { out, err } = JSON.parse(readOwn(join(directory, REWOUND)) ?? '{}') as Record<string, unknown>;
    const known = (value: unknown, shipped: number) =>
      Number.isSafeInteger(value) && Number(value) > 0 && Number(value) - shipped <= FURTHEST_REWOUND
        ? Number(value)
        : 0;
    return { out: known(out, from.out), err: known(err, from.err) };
  } catch {
    return { out: 0, err: 0 };
  }
}

/** Writes that down for the next worker. */
export function writeRewound(spool: Spool, rewound: Shipped): void {
  try {
    writeOwn(spool, REWOUND, JSON.stringify(rewound));
  } catch {} // then the next worker takes the file for one that was never emptied
}
