import type { Logger } from '../shared/logger.js';
import type { Pool } from '../shared/pool.js';
import type { Lease } from '../shared/queues/leases.js';
import type { Slots } from './claim/slots.js';
import type { DiskWatch } from './host/disk-watch.js';
import type { HostHealth } from './host/health.js';
import type { Installed } from './prepare/installed.js';
import type { Contact } from './recover/contact.js';
import type { Supervision } from './run/supervision.js';

/** What the parts of one worker share. */
export interface WorkerDeps {
  readonly pool: Pool;
  readonly id: string;
  readonly host: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly spools: string;
  readonly installed: Installed;
  readonly slots: Slots;
  readonly contact: Contact;
  /** Whether runs can be started here. */
  readonly health: HostHealth;
  readonly disk: Pick<DiskWatch, 'lostOutput'>;
  /** Runs under our eyes, by id. */
  readonly supervised: Map<string, Supervision>;
  /** Jobs that we hold and prolong. */
  readonly leases: Set<Lease>;
  /** Runs that are ours and whose program is just being started. */
  readonly starting: Set<string>;
  /** A slot became free, or a job was placed. */
  readonly onRoom: () => void;
  readonly logger: Logger;
}
