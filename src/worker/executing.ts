import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import type { Figures } from './figures.js';
import type { DiskWatch } from './host/disk-watch.js';
import type { HostHealth } from './host/health.js';
import type { Installed } from './prepare/installed.js';
import { planFor } from './prepare/plan-run.js';
import type { UserOf } from './prepare/run-as.js';
import type { Following } from './process/descendants.js';
import type { RecentEnds } from './recover/recent-ends.js';
import { type Beginning, execute } from './run/execute.js';
import type { OwnedRun } from './run/owned-run.js';
import { openRunTrace } from './run/run-trace.js';
import { watchOver } from './run/watch-over.js';

type Env = Readonly<Record<string, string | undefined>>;

/** What a worker has that its runs need. */
interface Executing {
  readonly figures: Figures;
  readonly host: string;
  readonly spools: string;
  readonly installed: Installed;
  readonly env: Env;
  readonly home: string;
  readonly userOf: UserOf;
  readonly health: HostHealth;
  readonly disk: DiskWatch;
  readonly following: Following;
  readonly recentEnds: RecentEnds;
  readonly logger: Logger;
}

/** All that is done for a run of ours, bound to this worker. */
export function executing({ config, runs, queues, runners, traces }: Pool, given: Executing) {
  const { figures, host, spools, installed, env, home, userOf, health, disk, following, recentEnds, logger } = given;
  const plan = { sessions: runs.sessions, runners, installed, env, home, userOf, spools, config };
  const watch = {
    runs,
    runners,
    host,
    following,
    keepLeftovers: config.keepLeftovers,
    afterResultGraceMs: config.afterResultGraceMs,
    mostOutputKept: config.maxOutputBytes,
    disk,
    figures,
    logger,
  };
  const deps = {
    start: { runs, plan: planFor.bind(undefined, plan), spools, config, logger },
    watch: watchOver.bind(undefined, watch),
    giveBack: { runs, queues, health, figures, host, spools, config, logger },
    figures,
    recentEnds,
    ...(traces && { trace: openRunTrace.bind(undefined, { traces, runs, runners, logger }) }),
    logger,
  };
  return (owned: OwnedRun, first: Beginning) => execute(deps, owned, first);
}
