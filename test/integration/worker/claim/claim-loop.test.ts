import { afterEach, beforeEach, expect, test } from 'vitest';
import { newRunId } from '../../../../src/client/submit.js';
import { openLogger } from '../../../../src/shared/logger.js';
import type { Pool } from '../../../../src/shared/pool.js';
import type { Lease } from '../../../../src/shared/queues/leases.js';
import { hostQueue, runnerQueue } from '../../../../src/shared/queues/route.js';
import { type ClaimingDeps, startClaiming } from '../../../../src/worker/claim/claim-loop.js';
import { createSlots } from '../../../../src/worker/claim/slots.js';
import { createSpread } from '../../../../src/worker/claim/spread.js';
import { type HostHealth, startHostHealth } from '../../../../src/worker/host/health.js';
import { connect, makePlace, type Place } from '../../../support/pool.js';
import { eventually } from '../../../support/processes.js';

const logger = openLogger('test', 'silent');
let place: Place;
let pool: Pool;
let health: HostHealth;
/** Whether the disk of the host can be written again. */
let isWell: boolean;
let taken: Lease[];
let stop: () => Promise<void>;

beforeEach(async () => {
  place = makePlace();
  pool = await connect(place);
  taken = [];
  isWell = false;
  stop = async () => {};
  const probe = async () => {
    if (!isWell) throw new Error('it is full');
  };
  const probes = { spool: probe, disk: probe, file_descriptors: probe, processes: probe, memory: probe };
  health = startHostHealth({ probes, now: Date.now, logger, firstPauseMs: 20, longestPauseMs: 40 });
});
afterEach(async () => {
  await stop();
  health.stop();
  await pool.stop();
  place.clean();
});

/** Takes jobs until there is no slot; whoever tests gives slots back. */
async function claim(capacity: number, given: Partial<ClaimingDeps> = {}) {
  const slots = createSlots(capacity);
  const claiming = await startClaiming({
    queues: pool.queues,
    id: 'here-1',
    host: 'here',
    labels: [],
    limits: { mayAsk: () => true, roomAgain: () => {} },
    runners: () => ['demo', 'other'],
    isHere: () => true,
    spread: createSpread(),
    lockMs: 60_000,
    interruptions: () => 0,
    holds: (runId) => taken.some((lease) => lease.runId === runId),
    slots,
    health,
    isCordoned: () => false,
    async takeOn(lease) {
      slots.take(lease.queue);
      taken.push(lease);
      return true;
    },
    logger,
    ...given,
  });
  stop = claiming.stop;
  return {
    wake: claiming.wake,
    /** A run has ended, and its job with it. */
    async release(lease: Lease) {
      await lease.finish({ state: 'done' });
      slots.release(lease.queue);
      claiming.wake();
    },
  };
}

async function placed(queue: string, count = 1): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newRunId());
  for (const id of ids)
    await pool.queues.placeAnew(id, queue, { runner: 'demo', agentName: 'a', prompt: 'hi', principal: 'x' });
  return ids;
}
const idsOf = (leases: readonly Lease[]) => leases.map(({ runId }) => runId);
const takenOnes = (count: number) =>
  eventually(
    () => taken,
    ({ length }) => length === count,
  );
const waiting = async (queue: string) => (await pool.queues.counts()).find((one) => one.queue === queue)?.waiting ?? 0;

test('jobs are taken as long as there are slots, what waited before as well as what is placed now', async () => {
  const before = await placed(runnerQueue('demo'), 2);
  const { release } = await claim(3);
  await takenOnes(2);
  const [next, late] = await placed(runnerQueue('demo'), 2);
  await takenOnes(3);
  expect(idsOf(taken)).toEqual([...before, next]);
  expect(await waiting(runnerQueue('demo'))).toBe(1);
  await release(taken[0] as Lease);
  expect(idsOf(await takenOnes(4)).at(-1)).toBe(late);
});

test('what is bound to this host goes before what any host may take', async () => {
  await placed(runnerQueue('demo'), 2);
  const [bound] = await placed(hostQueue('here'));
  await claim(1);
  expect(idsOf(await takenOnes(1))).toEqual([bound]);
});

test('the queues take turns, so a long one does not keep another waiting', async () => {
  await placed(runnerQueue('demo'), 4);
  await placed(runnerQueue('other'), 2);
  await claim(4);
  const queues = (await takenOnes(4)).map(({ queue }) => queue);
  expect(queues).toEqual(['demo', 'other', 'demo', 'other'].map((runner) => runnerQueue(runner)));
});

test('a host that cannot start runs takes none, and takes them by itself when it can again', async () => {
  const { release } = await claim(2);
  const [first] = await placed(runnerQueue('demo'));
  await takenOnes(1);
  health.fault('disk', 'it is full');
  await release(taken[0] as Lease); // wakes the loop, which may take nothing now
  const [second] = await placed(runnerQueue('demo'));
  expect(await waiting(runnerQueue('demo'))).toBe(1);
  expect(idsOf(taken)).toEqual([first]);
  isWell = true;
  expect(idsOf(await takenOnes(2))).toEqual([first, second]);
});

test('a runner that comes later is listened to, and one that goes is not', async () => {
  let offered: readonly string[] = ['demo'];
  const { wake } = await claim(5, { runners: () => offered });
  const [early] = await placed(runnerQueue('other'));
  offered = ['other'];
  wake();
  expect(idsOf(await takenOnes(1))).toEqual([early]);
  const [unwanted] = await placed(runnerQueue('demo'));
  const [wanted] = await placed(runnerQueue('other'));
  expect(idsOf(await takenOnes(2))).toEqual([early, wanted]);
  expect(await pool.queues.position(unwanted ?? '', runnerQueue('demo'))).toBe(1);
});

test('a job that cannot be taken on goes back to the head of its queue and is tried again', async () => {
  let refusals = 2;
  const [first, second] = await placed(runnerQueue('demo'), 2);
  await claim(2, {
    async takeOn(lease) {
      if (refusals-- > 0) throw new Error('not now');
      taken.push(lease);
      return true;
    },
  });
  expect(idsOf(await takenOnes(2))).toEqual([first, second]);
});

test('jobs are taken on at the same time, as many as there are slots and no more', async () => {
  await placed(runnerQueue('demo'), 4);
  await placed(hostQueue('here'), 2);
  const slots = createSlots(4);
  const seen: Lease[] = [];
  let decide = () => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  await claim(4, {
    slots,
    async takeOn(lease) {
      seen.push(lease);
      await decided; // not before four of them are here
      slots.take(lease.queue);
      taken.push(lease);
      return true;
    },
  });
  await eventually(
    () => seen,
    ({ length }) => length === 4,
  );
  decide();
  await takenOnes(4);
  await stop();
  expect(seen).toHaveLength(4);
  expect((await waiting(runnerQueue('demo'))) + (await waiting(hostQueue('here')))).toBe(2);
});

test('a worker that stops takes nothing more and leaves what waits to others', async () => {
  await claim(5);
  await stop();
  await placed(runnerQueue('demo'));
  expect(await waiting(runnerQueue('demo'))).toBe(1);
  expect(taken).toEqual([]);
  await claim(5); // another one
  expect(await takenOnes(1)).toHaveLength(1);
});

test('a worker listens to new queues whose requirements it meets, and no run waits behind one that it may not take', async () => {
  const [no] = await placed(runnerQueue('demo', ['gpu', 'tpu']));
  await claim(4, { labels: ['gpu=a100', 'os=linux'] });
  const [gpu] = await placed(runnerQueue('demo', ['gpu']));
  const [bound] = await placed(hostQueue('here', ['os=linux']));
  const [plain] = await placed(runnerQueue('demo'));
  await placed(hostQueue('here', ['os=darwin']));
  await placed(hostQueue('there', ['gpu']));
  await takenOnes(3);
  expect(idsOf(taken).sort()).toEqual([gpu, bound, plain].sort());
  expect(await pool.queues.position(no ?? '', runnerQueue('demo', ['gpu', 'tpu']))).toBe(1);
});

test('what only some workers may take is taken before what all may', async () => {
  await placed(runnerQueue('demo'), 2);
  const [gpu] = await placed(runnerQueue('demo', ['gpu']));
  const [bound] = await placed(hostQueue('here'));
  const { release } = await claim(1, { labels: ['gpu'] });
  await takenOnes(1);
  await release(taken[0] as Lease);
  await takenOnes(2);
  expect(idsOf(taken)).toEqual([bound, gpu]);
});

test('a queue with requirements that has been given up is left, and listened to again when it comes back', async () => {
  const queue = runnerQueue('demo', ['gpu']);
  await placed(queue);
  const { release } = await claim(1, { labels: ['gpu'] });
  await takenOnes(1);
  await release(taken[0] as Lease);
  await pool.queues.clean();
  expect(await pool.queues.requiring()).toEqual([]);
  await placed(queue); // told as a new one
  await takenOnes(2);
});

test('a job that was left to workers of a newer release is theirs once they know when it is due', async () => {
  const againMs = 1_000;
  let left = 0;
  const older = createSpread();
  await claim(5, {
    id: 'older-1',
    spread: older,
    async takeOn(lease) {
      left += 1;
      older.stepBack(lease.queue);
      await lease.delay(againMs);
      await pool.queues.wakeWhenDue(lease.queue, againMs);
      return true;
    },
  });
  const stopOlder = stop;
  const [id] = await placed(runnerQueue('demo'));
  await eventually(
    () => left,
    (times) => times > 0,
  );
  const newer = createSpread(() => 0.999_999);
  for (let asked = 0; asked < 150; asked += 1) newer.asked(runnerQueue('demo'), false);
  await claim(5, { spread: newer });
  const before = left;
  expect(idsOf(await takenOnes(1))).toEqual([id]);
  expect(left).toBeLessThanOrEqual(before + 1); // who comes after it was left is not told when it is due
  await stopOlder();
});
