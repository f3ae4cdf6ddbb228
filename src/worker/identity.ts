import { randomBytes } from 'node:crypto';
import { privateDirectory } from '../shared/config/home.js';
import type { Pool } from '../shared/pool.js';
import { usersOf } from './prepare/run-as.js';
import { spoolRoot } from './spool/spool.js';

/** What of a worker never changes, and where its spools are. */
export async function identity({ config, runs, runners, logger }: Pool) {
  const host = config.hostName;
  const id = `${host}-${randomBytes(4).toString('hex')}`;
  const userOf = usersOf(config.runAs);
  const startedAt = await runs.now();
  const spools = privateDirectory(spoolRoot(config.home, await runs.poolId(), host), config.home);
  return { host, id, logger: logger.child({ worker: id }), userOf, startedAt, spools, runners: [...runners.keys()] };
}
