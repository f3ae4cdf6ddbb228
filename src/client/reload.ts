import { setTimeout as pause } from 'node:timers/promises';
import type { LivingWorker } from '../shared/workers/workers.js';
import type { Caller } from './caller.js';

/** A worker answers at once; one that does not within this time (ms) is silent or busy. */
const WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** A worker that was asked to look anew at its host, and whether it has said that it did. */
export interface Reloaded {
  readonly worker: LivingWorker;
  readonly reloaded: boolean;
}

/** Asks every living worker to look anew at what its host has, such as programs that were installed since. */
export async function reloadWorkers({ pool }: Pick<Caller, 'pool'>): Promise<Reloaded[]> {
  const { workers, control } = pool;
  const before = new Map((await workers.living()).map(({ id, reloads = 0 }) => [id, reloads]));
  await Promise.all([...before.keys()].map((id) => control.reload(id)));
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const asked = (await workers.list()).filter(({ id }) => before.has(id));
    const answers = asked.map((worker) => ({
      worker,
      reloaded: (worker.reloads ?? 0) > (before.get(worker.id) ?? 0),
    }));
    if (answers.every(({ reloaded }) => reloaded) || performance.now() > deadline) return answers;
    await pause(LOOK_EVERY_MS);
  }
}
