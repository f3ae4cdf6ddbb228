import { setTimeout as pause } from 'node:timers/promises';
import { ConfigError } from '../../shared/errors.js';
import type { LivingWorker, Machine, Workers } from '../../shared/workers/workers.js';

/** Whether two workers see the same processes and disks. An id that was made up tells nothing within one boot. */
export function isSameMachine(one: Machine, other: Machine): boolean {
  return one.boot === other.boot && (one.id === other.id || one.madeUp === true || other.madeUp === true);
}

export interface OneMachineDeps {
  readonly workers: Pick<Workers, 'list' | 'leave'>;
  readonly id: string;
  readonly machine: Machine;
  readonly heartbeatMs: number;
  /** Tells the others that we live. */
  readonly beat: () => Promise<void>;
}

/** How often the register is asked meanwhile (parts of a heartbeat). */
const LOOKS_PER_BEAT = 4;

/**
 * Throws a ConfigError when a worker of another machine lives under our host name: each would take the other's programs
 * for dead. Who has been silent since we looked does not live: the machine was started anew, or the container replaced.
 * Of two that start at once the later one goes.
 */
export async function refuseSharedHostName(deps: OneMachineDeps): Promise<void> {
  const { workers, id, machine, heartbeatMs, beat } = deps;
  const elsewhere = async () => {
    const all = await workers.list();
    const us = all.find((worker) => worker.id === id);
    return us === undefined ? [] : all.filter((worker) => isBefore(worker, us) && clashes(worker, us, machine));
  };
  const first = new Map((await elsewhere()).map((worker) => [worker.id, worker.lastHeartbeatAt]));
  for (let left = await elsewhere(); left.length > 0; left = await elsewhere()) {
    const lives = left.find((worker) => first.has(worker.id) && worker.lastHeartbeatAt !== first.get(worker.id));
    if (lives) {
      await workers.leave(id);
      throw new ConfigError([
        `AGENTPOOL_HOST_NAME: a worker of another machine lives under the host name ${lives.host} (worker ${lives.id}); give each machine a name of its own`,
      ]);
    }
    await pause(heartbeatMs / LOOKS_PER_BEAT);
    await beat();
  }
}

function clashes(worker: LivingWorker, us: LivingWorker, machine: Machine): boolean {
  if (worker.id === us.id || worker.host !== us.host || !worker.alive || worker.phase === 'left') return false;
  return worker.machine !== undefined && !isSameMachine(worker.machine, machine);
}

const isBefore = (one: LivingWorker, other: LivingWorker) =>
  one.startedAt < other.startedAt || (one.startedAt === other.startedAt && one.id < other.id);
