import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../../src/shared/run.js';
import { canBecome, RUN_STATES, type RunState } from '../../../../src/shared/run-state.js';
import { runKeys } from '../../../../src/shared/run-store/keys.js';
import { BEGINNING } from '../../../../src/shared/run-store/output.js';
import type { Change, Chunk, Ending, Ownership } from '../../../../src/shared/run-store/ownership.js';
import type { OutputPage } from '../../../../src/shared/run-store/read-output.js';
import { onePlace, onePool } from '../../../support/beginnings.js';

/** As long as anything may take on a busy machine. */
const POLLING = { timeout: 30_000 };
const HOUR = 60 * 60_000;
const CAP = 65_536;
const place = onePlace({
  AGENTPOOL_MAX_OUTPUT_BYTES: String(CAP),
  AGENTPOOL_OUTPUT_RETENTION_MS: String(HOUR),
  AGENTPOOL_RECORD_RETENTION_MS: String(24 * HOUR),
});
const pool = onePool(place);
let redis: Redis;

beforeAll(async () => {
  redis = new Redis({ path: (place.env.REDIS_URL ?? '').replace('unix://', '') });
});
afterAll(async () => {
  redis.disconnect();
});

const keysOf = (id: string) => runKeys(place.env.AGENTPOOL_PREFIX ?? '', id);
const request = { runner: 'scripted', agentName: 'ann', prompt: '[]' };
const ENDINGS: readonly Ending[] = [
  { state: 'done', exitCode: 0, result: 'it worked', usage: { inputTokens: 3 } },
  { state: 'failed', exitCode: 1, failure: { kind: 'exit', message: 'ended with 1' } },
  { state: 'killed', failure: { kind: 'signal', message: 'by request' } },
  { state: 'timed_out', failure: { kind: 'time_limit', message: 'too long' } },
];
const chunk = (offset: number, text: string, kind: Chunk['kind'] = 'out'): Chunk => ({
  kind,
  offset,
  bytes: Buffer.from(text),
});

let runs = 0;
async function create(): Promise<string> {
  runs += 1;
  const id = `contract${runs}`;
  const run = await pool.runs.create(id, 'runs.scripted', request);
  expect(run).toEqual(await pool.runs.get(id));
  return id;
}

async function recordOf(id: string): Promise<Run> {
  const run = await pool.runs.get(id);
  if (!run) throw new Error(`run ${id} is not there`);
  return run;
}

/** A run that has just got into a state, by the ways that lead there. */
async function runIn(state: RunState): Promise<Run> {
  const id = await create();
  if (state !== 'queued') {
    const { epoch } = await pool.runs.claim(id, 'w1', 'here');
    if (state === 'orphaned') await pool.runs.orphan({ id, epoch });
    const ending = ENDINGS.find((one) => one.state === state);
    if (ending) await pool.runs.end(id, epoch, ending);
  }
  const run = await recordOf(id);
  expect(run.state).toBe(state);
  return run;
}

/** Everything that is stored of a run, to see that a refused change left no trace. */
async function stored(id: string): Promise<unknown> {
  const { run, events, request, result } = keysOf(id);
  return Promise.all([redis.hgetall(run), redis.xrange(events, '-', '+'), redis.get(request), redis.get(result)]);
}

/** Every change there is: what does it, and from which state it leads to which. What is not listed is refused. */
interface Operation {
  readonly name: string;
  /** Whether the epoch of the owner is asked for. */
  readonly fenced: boolean;
  readonly leads: Partial<Readonly<Record<RunState, RunState>>>;
  /** Whether the same call once more, with the same epoch, succeeds. */
  readonly again: boolean;
  readonly call: (owner: Ownership) => Promise<Change>;
}
const RUNNING = { running: 'running' } as const;
const OPERATIONS: readonly Operation[] = [
  {
    name: 'claim',
    fenced: false,
    leads: { queued: 'running' },
    again: false,
    call: ({ id }) => pool.runs.claim(id, 'w2', 'there'),
  },
  {
    name: 'takeOver',
    fenced: true,
    leads: { running: 'running', orphaned: 'running' },
    again: false,
    call: (owner) => pool.runs.takeOver(owner, 'w2', 'there'),
  },
  {
    name: 'notLaunched',
    fenced: true,
    leads: { running: 'running', orphaned: 'orphaned' },
    again: true,
    call: (owner) => pool.runs.notLaunched(owner),
  },
  {
    name: 'started',
    fenced: true,
    leads: RUNNING,
    again: true,
    call: (owner) => pool.runs.started(owner, 4711, '/work'),
  },
  {
    name: 'triesAgain',
    fenced: true,
    leads: RUNNING,
    again: true,
    call: (owner) =>
      pool.runs.triesAgain(owner, { attempt: 2, of: 2, variables: ['KEY'] }, { kind: 'auth', message: 'refused' }),
  },
  {
    name: 'sessionKnown',
    fenced: true,
    leads: RUNNING,
    again: true,
    call: (owner) => pool.runs.sessionKnown(owner, 's1'),
  },
  {
    name: 'orphan',
    fenced: true,
    leads: { running: 'orphaned' },
    again: false,
    call: (owner) => pool.runs.orphan(owner),
  },
  {
    name: 'comeBack',
    fenced: true,
    leads: { orphaned: 'running' },
    again: false,
    call: (owner) => pool.runs.comeBack(owner),
  },
  {
    name: 'requeue',
    fenced: true,
    leads: { running: 'queued', orphaned: 'queued' },
    again: false,
    call: (owner) => pool.runs.requeue(owner, 'here'),
  },
  ...ENDINGS.map((ending) => ({
    name: `end as ${ending.state}`,
    fenced: true,
    leads: { running: ending.state, orphaned: ending.state },
    again: false,
    call: ({ id, epoch }: Ownership) => pool.runs.end(id, epoch, ending),
  })),
  {
    name: 'end as killed without an owner',
    fenced: false,
    leads: { queued: 'killed' },
    again: false,
    call: ({ id }) => pool.runs.end(id, undefined, { state: 'killed' }),
  },
];
const cases = OPERATIONS.flatMap((operation) =>
  RUN_STATES.map((from) => ({ operation, name: operation.name, from, to: operation.leads[from] })),
);

describe('every change', () => {
  it('is in the table of states, and every change of that table is made by one', () => {
    const made = cases.flatMap(({ from, to }) => (to && to !== from ? [`${from} → ${to}`] : []));
    const allowed = RUN_STATES.flatMap((from) =>
      RUN_STATES.filter((to) => canBecome(from, to)).map((to) => `${from} → ${to}`),
    );
    expect([...new Set(made)].sort()).toEqual(allowed.sort());
  });

  it.each(cases.filter(({ to }) => to))('$name of what is $from leads to $to', async ({ operation, from, to }) => {
    const before = await runIn(from);
    const changed = await operation.call(before);
    const after = await recordOf(before.id);
    expect(changed).toEqual({ changed: true, state: to, epoch: after.epoch });
    expect(after.state).toBe(to);
    const isNewOwner = ['claim', 'takeOver'].includes(operation.name);
    if (isNewOwner) {
      expect(after.epoch).toBeGreaterThan(before.epoch);
      expect(after).toMatchObject({ worker: 'w2', host: 'there' });
    } else expect(after.epoch).toBe(before.epoch);
  });

  it.each(cases.filter(({ to }) => to))(
    '$name of what was $from, once more with the same epoch, is as the table says and doubles nothing',
    async ({ operation, from, to }) => {
      const before = await runIn(from);
      await operation.call(before);
      const once = await recordOf(before.id);
      const again = await operation.call(before);
      expect(again).toEqual({ changed: operation.again, state: to, epoch: once.epoch });
      expect(await recordOf(before.id)).toEqual(
        operation.name === 'started' ? { ...once, startedAt: expect.any(Number) } : once,
      );
    },
  );

  it.each(cases.filter(({ to }) => !to))(
    '$name of what is $from is refused, tells the state, and leaves no trace',
    async ({ operation, from }) => {
      const run = await runIn(from);
      const before = await stored(run.id);
      expect(await operation.call(run)).toEqual({ changed: false, state: from, epoch: run.epoch });
      expect(await stored(run.id)).toEqual(before);
    },
  );

  it.each(cases.filter(({ operation, to }) => operation.fenced && to))(
    '$name of what is $from is refused for an epoch that is not its own, older or newer',
    async ({ operation, from }) => {
      const run = await runIn(from);
      const before = await stored(run.id);
      for (const epoch of [run.epoch - 1, run.epoch + 1])
        expect(await operation.call({ id: run.id, epoch })).toEqual({ changed: false, state: from, epoch: run.epoch });
      expect(await stored(run.id)).toEqual(before);
    },
  );

  it.each(OPERATIONS)('$name of a run that is not there makes none', async ({ call }) => {
    expect(await call({ id: 'nobody', epoch: 1 })).toEqual({ changed: false, state: undefined, epoch: 0 });
    expect(await pool.runs.get('nobody')).toBeUndefined();
  });

  it('is notified of with the new state, and found in the index of that state alone', async () => {
    const { id, epoch } = await runIn('running');
    const heard: string[] = [];
    const stop = await pool.runs.onNotification(id, (message) => heard.push(message));
    await pool.runs.orphan({ id, epoch });
    await pool.runs.end(id, epoch, { state: 'failed' });
    await expect.poll(() => heard, POLLING).toEqual(['orphaned', 'failed']);
    stop();
    const found: RunState[] = [];
    for (const state of RUN_STATES)
      for await (const one of pool.runs.indexes.oldestFirst(state)) if (one === id) found.push(state);
    expect(found).toEqual(['failed']);
  });

  it('of many at once is made by one: of claims, of take-overs, of ends', async () => {
    const id = await create();
    const claims = await Promise.all([1, 2, 3, 4, 5].map((worker) => pool.runs.claim(id, `w${worker}`, 'here')));
    const [winner] = claims.filter(({ changed }) => changed);
    expect(claims.filter(({ changed }) => changed)).toHaveLength(1);
    const owner = { id, epoch: winner?.epoch ?? 0 };
    const takeOvers = await Promise.all([1, 2, 3].map((worker) => pool.runs.takeOver(owner, `t${worker}`, 'here')));
    expect(takeOvers.filter(({ changed }) => changed)).toHaveLength(1);
    const { epoch } = await recordOf(id);
    const ends = await Promise.all(ENDINGS.map((ending) => pool.runs.end(id, epoch, ending)));
    const won = ends.flatMap(({ changed }, at) => (changed ? [ENDINGS[at]?.state] : []));
    expect(won).toEqual([(await recordOf(id)).state]);
  });
});

describe('creating', () => {
  it('twice with one id leaves the first as it was', async () => {
    const id = await create();
    const before = await stored(id);
    const again = await pool.runs.create(id, 'runs.other', { ...request, prompt: 'another' });
    expect(again).toEqual(await pool.runs.get(id));
    expect(await stored(id)).toEqual(before);
  });

  it('with a client token answers the same id to one principal, and another to others', async () => {
    expect(await pool.runs.idForToken('ann', 'token', 'id1')).toBe('id1');
    expect(await pool.runs.idForToken('ann', 'token', 'id2')).toBe('id1');
    expect(await pool.runs.idForToken('bob', 'token', 'id3')).toBe('id3');
  });
});

describe('appending', () => {
  const read = async (id: string) => pool.runs.output(id, { from: BEGINNING, maxBytes: 1_000_000 });

  it.each(RUN_STATES)('to what is %s: only what is running takes it, from its owner alone', async (state) => {
    const run = await runIn(state);
    const before = await stored(run.id);
    const refused = { code: -1, out: 0, err: 0 };
    for (const epoch of [run.epoch - 1, run.epoch + 1])
      expect(await pool.runs.append({ id: run.id, epoch }, [chunk(0, 'no\n')])).toEqual(refused);
    expect(await stored(run.id)).toEqual(before);
    const answer = await pool.runs.append(run, [chunk(0, 'yes\n')]);
    expect(answer).toEqual(state === 'running' ? { code: 1, out: 4, err: 0 } : refused);
    expect((await read(run.id)).bytes.toString()).toBe(state === 'running' ? 'yes\n' : '');
  });

  it('the same again, a gap or an overlap adds nothing, and tells where to go on', async () => {
    const run = await runIn('running');
    await pool.runs.append(run, [chunk(0, 'one\n'), chunk(0, 'warning\n', 'err')]);
    const here = { code: 0, out: 4, err: 8 };
    expect(await pool.runs.append(run, [chunk(0, 'one\n')])).toEqual(here);
    expect(await pool.runs.append(run, [chunk(5, 'wo\n')])).toEqual(here);
    expect(await pool.runs.append(run, [chunk(3, '\ntwo\n')])).toEqual(here);
    expect(await pool.runs.append(run, [chunk(7, 'x', 'err')])).toEqual(here);
    expect((await read(run.id)).bytes.toString()).toBe('one\nwarning\n');
    expect(await recordOf(run.id)).toMatchObject({ outBytes: 4, errBytes: 8, lines: 2, droppedBytes: 0 });
  });

  it('is read in pieces that say which bytes they are, from wherever and however much at once', async () => {
    const run = await runIn('running');
    const streams = { stdout: 'one\ntwo\nthree\n', stderr: 'a warning\nanother\n' };
    await pool.runs.append(run, [chunk(0, 'one\ntwo\n'), chunk(0, 'a warning\n', 'err')]);
    await pool.runs.append(run, [chunk(8, 'three\n'), chunk(10, 'another\n', 'err')]);
    const expectTrue = ({ pieces, bytes }: Pick<OutputPage, 'pieces' | 'bytes'>) => {
      expect(Buffer.concat(pieces.map((piece) => piece.bytes))).toEqual(bytes);
      for (const { stream, offset, bytes: some, at, entry } of pieces) {
        expect(streams[stream].slice(offset, offset + some.length)).toBe(some.toString());
        expect(entry).toMatch(new RegExp(`^${at}-\\d+$`));
      }
    };
    for (let most = 1; most < 40; most += 1) {
      let from = BEGINNING;
      let text = '';
      for (let more = true; more; ) {
        const page = await pool.runs.output(run.id, { from, maxBytes: most });
        expectTrue(page);
        text += page.bytes;
        from = page.next;
        more = page.hasMore;
      }
      expect(text).toBe('one\ntwo\na warning\nthree\nanother\n');
      expectTrue(await pool.runs.tail(run.id, most, undefined));
      expectTrue(await pool.runs.tail(run.id, most, 'stderr'));
    }
  });

  it('takes the pieces up to the first that does not fit', async () => {
    const run = await runIn('running');
    const pieces = [chunk(0, 'one\n'), chunk(4, 'two\n'), chunk(9, 'four\n'), chunk(0, 'e', 'err')];
    expect(await pool.runs.append(run, pieces)).toEqual({ code: 0, out: 8, err: 0 });
    expect((await read(run.id)).bytes.toString()).toBe('one\ntwo\n');
  });

  it('goes on under a new owner where the last one stopped, and the last one cannot add any more', async () => {
    const run = await runIn('running');
    await pool.runs.append(run, [chunk(0, 'one\n')]);
    const { epoch } = await pool.runs.takeOver(run, 'w2', 'there');
    expect(await pool.runs.append(run, [chunk(4, 'old\n')])).toMatchObject({ code: -1 });
    expect(await pool.runs.append({ id: run.id, epoch }, [chunk(4, 'new\n')])).toMatchObject({ code: 1, out: 8 });
    expect((await read(run.id)).bytes.toString()).toBe('one\nnew\n');
  });

  it('beyond the cap drops the oldest, and counts every byte that it drops', async () => {
    const run = await runIn('running');
    const piece = `${'x'.repeat(1_023)}\n`;
    let printed = 0;
    for (let offset = 0; offset < CAP; offset += piece.length) {
      await pool.runs.append(run, [chunk(offset, piece, 'out'), chunk(offset, piece, 'err')]);
      printed += piece.length * 2;
    }
    const { droppedBytes, outBytes, errBytes, lines } = await recordOf(run.id);
    const { bytes, droppedBytes: missed } = await read(run.id);
    expect(outBytes + errBytes).toBe(printed);
    expect(lines).toBe(printed / piece.length);
    expect(bytes.length).toBeLessThanOrEqual(CAP);
    expect(bytes.length).toBeGreaterThan(CAP * 0.9);
    expect(droppedBytes).toBe(printed - bytes.length);
    expect(missed).toBe(droppedBytes);
  });

  it.each(['running', 'ended'])(
    'tells a reader of all that was dropped of a stream of which nothing is left: %s',
    async (when) => {
      const run = await runIn('running');
      const piece = `${'x'.repeat(1_023)}\n`;
      await pool.runs.append(run, [chunk(0, piece, 'err')]);
      for (let offset = 0; offset < CAP; offset += piece.length) await pool.runs.append(run, [chunk(offset, piece)]);
      if (when === 'ended') await pool.runs.end(run.id, run.epoch, { state: 'done' });
      const { droppedBytes, outBytes, errBytes } = await recordOf(run.id);
      const all = await read(run.id);
      expect(all.droppedBytes).toBe(droppedBytes);
      expect(all.next).toMatchObject({ out: outBytes, err: errBytes });
      const again = await pool.runs.output(run.id, { from: all.next, maxBytes: 2 * CAP });
      expect(again).toMatchObject({ droppedBytes: 0, next: { err: errBytes } });
      const from = { ...BEGINNING, out: outBytes };
      const ofErrors = await pool.runs.output(run.id, { from, maxBytes: 2 * CAP, stream: 'stderr' });
      expect(ofErrors).toMatchObject({ droppedBytes: errBytes, bytes: Buffer.alloc(0) });
    },
  );
});

describe('ending', () => {
  it('waits for output that the stream does not have, and says how much it has', async () => {
    const run = await runIn('running');
    await pool.runs.append(run, [chunk(0, 'one\n')]);
    const early = await pool.runs.end(run.id, run.epoch, { state: 'done' }, { out: 8, err: 0 });
    expect(early).toEqual({ changed: false, state: 'running', epoch: run.epoch, missing: { out: 4, err: 0 } });
    await pool.runs.append(run, [chunk(4, 'two\n')]);
    expect(await pool.runs.end(run.id, run.epoch, { state: 'done' }, { out: 8, err: 0 })).toMatchObject({
      changed: true,
      state: 'done',
    });
  });

  it.each(ENDINGS)('as $state keeps what it says, and the first end wins', async (ending) => {
    const run = await runIn('running');
    await pool.runs.end(run.id, run.epoch, ending);
    for (const other of ENDINGS) await pool.runs.end(run.id, run.epoch, other);
    const { result, ...rest } = ending;
    expect(await recordOf(run.id)).toMatchObject(rest);
    expect(await pool.runs.result(run.id)).toBe(result);
  });

  it('gives output and request their time, record and result theirs; before it nothing has one', async () => {
    const run = await runIn('running');
    await pool.runs.append(run, [chunk(0, 'one\n')]);
    const { run: record, events, request, result } = keysOf(run.id);
    const kept = () => Promise.all([record, events, request, result].map((key) => redis.pttl(key)));
    expect(await kept()).toEqual([-1, -1, -1, -2]);
    await pool.runs.end(run.id, run.epoch, { state: 'done', result: 'it worked' });
    const [recordMs = 0, eventsMs = 0, requestMs = 0, resultMs = 0] = await kept();
    for (const [found, wanted] of [
      [recordMs, 24 * HOUR],
      [resultMs, 24 * HOUR],
      [eventsMs, HOUR],
      [requestMs, HOUR],
    ] as const) {
      expect(found).toBeLessThanOrEqual(wanted);
      expect(found).toBeGreaterThan(wanted - 60_000);
    }
  });

  it('leaves a record that takes no more room than its facts, whatever it had in between', async () => {
    const run = await runIn('running');
    const facts = { form: 1, path: `/${'p'.repeat(40)}`, home: `/${'h'.repeat(40)}` };
    await pool.runs.launching(run, 1, { ...facts, timeoutMs: 1, silenceTimeoutMs: 2, startedUptimeMs: 3 });
    await pool.runs.started(run, 7, facts.path);
    const { run: key } = keysOf(run.id);
    const bytes = async () => Number(await redis.call('MEMORY', 'USAGE', key));
    const before = await bytes();
    await pool.runs.end(run.id, run.epoch, { state: 'done' });
    expect(await bytes()).toBeLessThan(before / 2);
    expect(await recordOf(run.id)).toMatchObject({ state: 'done', pid: 7, path: facts.path, launched: 1 });
  });
});

describe('a run that is given back', () => {
  it('is nobody’s and of no host, keeps its place, and may be claimed again with a new epoch', async () => {
    const run = await runIn('running');
    await pool.runs.requeue(run, 'here');
    const queued = await recordOf(run.id);
    expect(queued).toMatchObject({ queuedAt: run.queuedAt, epoch: run.epoch });
    expect([queued.worker, queued.host, queued.claimedAt]).toEqual([undefined, undefined, undefined]);
    expect((await pool.runs.list({ host: 'here' }, 1_000)).map(({ id }) => id)).not.toContain(run.id);
    expect((await pool.runs.claim(run.id, 'w2', 'there')).epoch).toBeGreaterThan(run.epoch);
  });

  it.each([
    [
      'somebody has asked for its end',
      'kill',
      (run: Run) => pool.runs.requestKill(run.id, { signal: 'TERM', graceMs: 0 }),
    ],
    ['its program has a pid', 'started', (run: Run) => pool.runs.started(run, 4711, '/work')],
    ['it has output', 'started', (run: Run) => pool.runs.append(run, [chunk(0, 'one\n')])],
  ] as const)('is refused when %s', async (_what, refused, happen) => {
    const run = await runIn('running');
    await happen(run);
    expect(await pool.runs.requeue(run, 'here')).toMatchObject({ changed: false, state: 'running', refused });
    expect((await recordOf(run.id)).state).toBe('running');
  });

  it('by errors is refused after so many, and by its host never', async () => {
    const { id } = await runIn('queued');
    const claimed = async () => ({ id, epoch: (await pool.runs.claim(id, 'w1', 'here')).epoch });
    for (const most of [2, undefined, 2, undefined])
      expect((await pool.runs.requeue(await claimed(), 'here', most)).changed).toBe(true);
    expect(await pool.runs.requeue(await claimed(), 'here', 2)).toMatchObject({ changed: false, refused: 'errors' });
  });
});

describe('a kill request', () => {
  it.each(RUN_STATES)('for what is %s is recorded as long as it has not ended, and changes no state', async (state) => {
    const run = await runIn(state);
    const { worker } = await pool.runs.requestKill(run.id, { signal: 'TERM', graceMs: 5_000, reason: 'because' });
    const after = await recordOf(run.id);
    expect(worker).toBe(state === 'queued' ? '' : 'w1');
    expect(after.state).toBe(state);
    const isRecorded = ['queued', 'running', 'orphaned'].includes(state);
    expect(after.kill).toEqual(
      isRecorded ? { requestedAt: expect.any(Number), signal: 'TERM', graceMs: 5_000, reason: 'because' } : undefined,
    );
  });

  it('that is repeated keeps the time of the first, and has the signal and grace of the last', async () => {
    const { id } = await runIn('running');
    await pool.runs.requestKill(id, { signal: 'TERM', graceMs: 5_000, reason: 'because' });
    const first = (await recordOf(id)).kill?.requestedAt ?? 0;
    const before = await pool.runs.now();
    await expect.poll(() => pool.runs.now(), POLLING).toBeGreaterThan(before);
    await pool.runs.requestKill(id, { signal: 'KILL', graceMs: 0 });
    expect((await recordOf(id)).kill).toEqual({ requestedAt: first, signal: 'KILL', graceMs: 0, reason: 'because' });
  });

  it('for a run that is not there makes none', async () => {
    expect(await pool.runs.requestKill('nobody', { signal: 'TERM', graceMs: 0 })).toEqual({
      state: undefined,
      worker: '',
    });
    expect(await pool.runs.get('nobody')).toBeUndefined();
  });
});
