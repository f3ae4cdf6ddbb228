import type { Logger } from '../../shared/logger.js';
import type { Change } from '../../shared/run-store/ownership.js';
import type { RunStore } from '../../shared/run-store/run-store.js';
import { again } from '../again.js';
import type { OwnedRun } from './owned-run.js';

export interface MakeOursDeps {
  readonly runs: Pick<RunStore, 'get'>;
  /** This worker. */
  readonly id: string;
  readonly logger: Logger;
}

/**
 * Makes a run ours by a change of its record. Where the answer is lost, or may be that to the same command sent once more, the
 * record says whether it was made: otherwise the run would be ours by its record and nobody would look after it.
 */
export async function makeOurs(deps: MakeOursDeps, owned: OwnedRun, change: () => Promise<Change>): Promise<Change> {
  const before = owned.epoch;
  let answer: Change | undefined;
  try {
    answer = await change();
  } catch (error) {
    deps.logger.warn({ runId: owned.id, err: error }, 'no answer whether the run is ours; looking at its record');
  }
  // What a lost connection had left without an answer was sent again by the client, and refused because it was done already.
  const wasTaken = answer?.changed === false && answer.state === 'running' && answer.epoch > before;
  if (!answer || wasTaken) answer = await byRecord(deps, owned, before);
  if (answer.changed) owned.epoch = answer.epoch;
  return answer;
}

async function byRecord({ runs, id, logger }: MakeOursDeps, owned: OwnedRun, before: number): Promise<Change> {
  const run = await again(
    () => runs.get(owned.id),
    owned.gone,
    (err) => logger.debug({ runId: owned.id, err }, 'the record cannot be read yet'),
  );
  const ours = run?.worker === id && run.state === 'running' && run.epoch > before;
  return { changed: ours, state: run?.state, epoch: run?.epoch ?? before };
}
